/** Why a database does not work just now, as far as an operator can act on it. */
export type OutageCause =
  /** The server is down, restarting, or out of reach. */
  | 'away'
  /** Connected, and nothing comes back. */
  | 'silent'
  /** The server takes no more connections, or has no memory. */
  | 'crowded'
  | 'full'
  | 'read_only'
  /** Another process keeps the lock. */
  | 'locked'
  /** The file is gone or unreadable. */
  | 'file'

/** The cause in words, to be followed by what the engine said. */
export const outageTexts: Readonly<Record<OutageCause, string>> = {
  away: 'the database server cannot be reached',
  silent: 'the database does not answer',
  crowded: 'the database server takes no more connections',
  full: 'the disk of the database is full',
  read_only: 'the database cannot be written',
  locked: 'another process keeps the database locked',
  file: 'the database file cannot be used',
}
