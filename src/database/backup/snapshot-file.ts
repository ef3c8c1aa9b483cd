/**
 * Copies a database file while others write to it. The copy is made page by page from a snapshot that one read
 * transaction holds, so a writer neither waits for it nor makes it start again: without that transaction
 * `sqlite3_backup_step` begins anew after every foreign commit (sqlite.org/c3ref/backup_finish.html).
 */
import { statSync } from 'node:fs'
import { OrchError } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { Patience } from '../dialect/patience.ts'
import { SqliteFile, type OpenFile } from '../dialect/sqlite-file.ts'
import { patiently } from '../dialect/sqlite-driver.ts'
import { describeFile, type FileContent } from './file-content.ts'

export interface Copying {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly signal?: AbortSignal | undefined
  /** Told after each portion. */
  readonly onProgress?: ((done: Progress) => void) | undefined
}

export interface Progress {
  /** Between 0 and 1. */
  readonly share: number
  readonly totalBytes: number
}

/** Pages per portion: a few milliseconds of work, after which signals are heard. */
const pagesAtOnce = 2000
const busyTimeoutMs = 50

/** Fills `target`, an empty file, and says what was in the snapshot. Every row committed before the call is in it. */
export async function snapshotFile(path: string, target: string, copying: Copying): Promise<FileContent> {
  const identity = identityOf(path)
  const source = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
  try {
    await patiently(new Patience(copying.clock), () => beginSnapshot(source))
    await copyPages(source, target, copying)
    const content = describeFile(source)
    if (identityOf(path) !== identity) throw replaced(path)
    return content
  } finally {
    source.close()
  }
}

/** A transaction sees nothing before its first read. */
function beginSnapshot(source: OpenFile): void {
  if (!source.inTransaction) source.exec('begin')
  source.prepare('select count(*) from sqlite_master').get()
}

async function copyPages(source: OpenFile, target: string, { signal, onProgress }: Copying): Promise<void> {
  const pageBytes = Number(source.pragma('page_size', { simple: true }))
  await source.backup(target, {
    progress: ({ totalPages, remainingPages }) => {
      if (signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped: no backup was made')
      onProgress?.({ share: 1 - remainingPages / Math.max(1, totalPages), totalBytes: totalPages * pageBytes })
      return pagesAtOnce
    },
  })
  // The copy says that it has a write-ahead log, like its source; alone it needs none.
  const copy = new SqliteFile(target, { fileMustExist: true })
  try {
    copy.pragma('journal_mode = delete')
  } finally {
    copy.close()
  }
}

/** Which file the path names now. */
function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? 'none' : `${found.dev}:${found.ino}`
}

function replaced(path: string): OrchError {
  return new OrchError('ORCH_BACKUP_FAILED', `${path} was moved or replaced while it was copied`, {
    hint: 'No backup was kept. Find out who replaces it, then run the command again',
  })
}
