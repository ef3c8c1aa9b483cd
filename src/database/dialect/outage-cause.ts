import { systemErrorCode } from '../../errors/orch-error.ts'

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

/** Failures of the socket below the protocol, as Node names them. */
const brokenSocket = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
])

/** Why a failure with that code keeps a server away; null where it says something else. */
export function serverOutage(code: string): OutageCause | null {
  switch (code) {
    case '53100':
      return 'full'
    case '53200':
    case '53300':
      return 'crowded'
    case '25006':
      return 'read_only'
    case 'ETIMEDOUT':
      return 'silent'
    // Shutting down, crashed, starting up.
    case '57P01':
    case '57P02':
    case '57P03':
      return 'away'
    default:
      return brokenSocket.has(code) || /^08...$/.test(code) ? 'away' : null
  }
}

/** The same for a file. */
export function fileOutage(code: string): OutageCause | null {
  if (code === 'SQLITE_READONLY_DBMOVED') return 'file'
  if (code.startsWith('SQLITE_READONLY')) return 'read_only'
  if (code.startsWith('SQLITE_FULL')) return 'full'
  return /^SQLITE_(CANTOPEN|IOERR|PERM)/.test(code) ? 'file' : null
}

/**
 * Why a database that could not be opened may be there later; null for what no waiting mends, such as a wrong
 * password or a file that is no database. Looks through what orch put around the engine's own error.
 */
export function outageOfOpening(error: unknown): OutageCause | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const code = systemErrorCode(inner) ?? ''
    const cause = /^SQLITE_(BUSY|LOCKED)/.test(code) ? 'locked' : (serverOutage(code) ?? fileOutage(code))
    if (cause !== null) return cause
  }
  return null
}
