/** Why a backup was taken. */
export const backupReasons = ['manual', 'before-migrate', 'before-restore'] as const
export type BackupReason = (typeof backupReasons)[number]

/** What a backup's name says about it. */
export interface BackupTag {
  /** Epoch milliseconds. */
  readonly takenAt: number
  /** The orch that made or last migrated what is in it: that one can open it, and so can every later one. */
  readonly version: string
  /** Number of its last migration, four digits; `0000` where nothing was migrated. */
  readonly migration: string
  readonly reason: BackupReason
}

/** `.db` is a whole file; `.jsonl.gz` is an export of orch's tables from a server. */
export type BackupEnding = 'db' | 'jsonl.gz'

const pattern = new RegExp(
  `^(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)(\\d\\d\\.\\d{3})Z-v(.+)-(\\d{4})-(${backupReasons.join('|')})\\.(db|jsonl\\.gz)$`,
)

/** `20261124T142136.123Z-v0.1.0-0017-before-migrate.db`: in order of time as text. */
export function backupName({ takenAt, version, migration, reason }: BackupTag, ending: BackupEnding): string {
  const time = new Date(takenAt).toISOString().replaceAll(/[-:]/g, '')
  return `${time}-v${version.replaceAll(/[^\w.+-]/g, '_')}-${migration}-${reason}.${ending}`
}

/** Reads a name of that form; null for any other file. */
export function parseBackupName(name: string): BackupTag | null {
  const match = pattern.exec(name)
  if (match === null) return null
  const [, year, month, day, hour, minute, second, version = '', migration = '', reason] = match
  const takenAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return { takenAt, version, migration, reason: reason as BackupReason }
}
