/** How a backup is shown. */
import type { Backup } from '../../../database/backup/back-up.ts'
import type { StoredBackup } from '../../../database/backup/backup-directory.ts'
import type { Progress } from '../../../database/backup/snapshot-file.ts'
import type { Io } from '../../io.ts'
import { iso } from '../../render/json.ts'

/** The `--json` form of one that was just taken. */
export function backupData({ rows, leftOut, durationMs, ...backup }: Backup) {
  return {
    ...storedData(backup),
    tables: [...rows].map(([name, count]) => ({ name, rows: count })),
    leftOut,
    durationMs,
  }
}

/** The `--json` form of one in a list. */
export function storedData({ path, bytes, tag }: Pick<StoredBackup, 'path' | 'bytes' | 'tag'>) {
  return { path, bytes, ...tag, takenAt: iso(tag.takenAt) }
}

/** `205.3 MB`, `12.0 kB`. */
export function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

const tellFromBytes = 20_000_000

/** Tells of each tenth of a copy that is large enough to be waited for. */
export function tellProgress(io: Io, verb: string): (done: Progress) => void {
  let told = 0
  return ({ share, totalBytes }) => {
    const tenth = Math.floor(share * 10)
    if (totalBytes < tellFromBytes || tenth <= told) return
    told = tenth
    io.progress(`${verb}  ${tenth * 10} % of ${sizeText(totalBytes)}`)
  }
}

/** Says what a backup of a server does not hold. */
export function warnLeftOut(io: Io, { leftOut }: Pick<Backup, 'leftOut'>): void {
  if (leftOut.length === 0) return
  io.warn(`Not in the backup, because not orch's own: ${leftOut.join(', ')}`, 'Use the backups of the server for these')
}
