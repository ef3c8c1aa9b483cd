import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { SqliteFile } from '../dialect/sqlite-file.ts'
import { holdersOf } from './file-holders.ts'
import type { Progress } from './snapshot-file.ts'

export interface Exchange {
  /** A file of its own with the new content. */
  readonly draft: string
  readonly clock: Clock
  readonly lockTimeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: Progress) => void) | undefined
}

const pagesAtOnce = 2000
const pollMs = 50
const busyCodes = /^SQLITE_(BUSY|LOCKED)/

/**
 * Writes the content of the draft over that of the file in one transaction of the engine: until it commits others
 * see what was there, and a crash leaves a journal that puts it back. Nobody may have the file open when it begins;
 * its log is folded in and removed. Throws ORCH_MIGRATION_LOCKED, naming who has it open, ORCH_INTERRUPTED.
 */
export async function exchangeContent(path: string, exchange: Exchange): Promise<void> {
  const { clock, lockTimeoutMs } = exchange
  const giveUpAt = clock.monotonic() + lockTimeoutMs
  while (!leaveWriteAheadLog(path)) {
    if (clock.monotonic() >= giveUpAt) throw await heldOpen(path)
    await clock.sleep(pollMs, exchange.signal)
    refuseAborted(exchange)
  }
  const draft = new SqliteFile(exchange.draft, { readonly: true, fileMustExist: true })
  try {
    await copyInto(path, { ...exchange, draft })
  } finally {
    draft.close()
  }
}

/** Only a connection that is alone may leave the write-ahead log, so success proves that nobody else has the file. */
function leaveWriteAheadLog(path: string): boolean {
  const file = new SqliteFile(path, { fileMustExist: true, timeout: pollMs })
  try {
    return file.pragma('journal_mode = delete', { simple: true }) === 'delete' && mayWrite(file)
  } catch (error) {
    if (busyCodes.test(systemErrorCode(error) ?? '')) return false
    throw error
  } finally {
    file.close()
  }
}

/** A file that never had such a log says nothing about other readers until the lock is asked for. */
function mayWrite(file: InstanceType<typeof SqliteFile>): boolean {
  file.exec('begin exclusive')
  file.exec('rollback')
  return true
}

async function copyInto(
  path: string,
  exchange: Omit<Exchange, 'draft'> & { readonly draft: InstanceType<typeof SqliteFile> },
): Promise<void> {
  const { draft, clock, lockTimeoutMs, onProgress } = exchange
  const pageBytes = Number(draft.pragma('page_size', { simple: true }))
  let left = Number.POSITIVE_INFINITY
  let movedAt = clock.monotonic()
  let held = false
  try {
    await draft.backup(path, {
      progress: ({ totalPages, remainingPages }) => {
        refuseAborted(exchange)
        if (remainingPages < left) movedAt = clock.monotonic()
        left = remainingPages
        held = clock.monotonic() - movedAt > lockTimeoutMs
        if (held) throw new Error('somebody else has opened the file meanwhile')
        onProgress?.({ share: 1 - remainingPages / Math.max(1, totalPages), totalBytes: totalPages * pageBytes })
        return pagesAtOnce
      },
    })
  } catch (error) {
    throw held ? await heldOpen(path) : error
  }
}

function refuseAborted({ signal }: Pick<Exchange, 'signal'>): void {
  if (signal?.aborted !== true) return
  throw new OrchError('ORCH_INTERRUPTED', 'Stopped: the database is as it was before')
}

async function heldOpen(path: string): Promise<OrchError> {
  const holders = await holdersOf(path)
  const who = holders.length === 0 ? 'another program' : `process ${holders.join(', ')}`
  return new OrchError('ORCH_MIGRATION_LOCKED', `${path} is open in ${who}; nothing was changed`, {
    hint: 'A restore exchanges everything: end what has the file open, then run the command again',
  })
}
