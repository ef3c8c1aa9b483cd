import { sql } from 'kysely'
import type { Db, Trx } from './dialect.ts'

interface Waiting {
  readonly work: (trx: Trx) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Verdict = { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: unknown }

/** More than this in one transaction would keep other processes from the lock for too long. */
const mostTogether = 50

/**
 * Commits write transactions together that are ready together. An engine with one writer pays for a durable
 * commit with its own wait for the disk; twenty jobs that end in the same moment need not wait twenty times.
 * Each piece of work runs alone between savepoints, in the order of asking: what one throws undoes its own
 * writes and nobody else's. Nothing is reported as done before the common commit.
 */
export class GroupCommit {
  readonly #retry: <T>(work: () => Promise<T>) => Promise<T>
  readonly #queue: Waiting[] = []
  #running = false

  /** @param retry repeats a whole transaction while another process holds the lock. */
  constructor(retry: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#retry = retry
  }

  write<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: (value) => resolve(value as T), reject })
      if (!this.#running) void this.#drain(db)
    })
  }

  async #drain(db: Db): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0) {
      // Whatever became due while the last commit blocked the event loop asks now, and joins.
      await new Promise((resolve) => setImmediate(resolve))
      const batch = this.#queue.splice(0, mostTogether)
      try {
        const verdicts = await this.#retry(() => db.transaction().execute((trx) => runAll(trx, batch)))
        for (const [index, verdict] of verdicts.entries()) report(batch[index], verdict)
      } catch (error) {
        for (const waiting of batch) waiting.reject(error)
      }
    }
    this.#running = false
  }
}

function report(waiting: Waiting | undefined, verdict: Verdict): void {
  if (verdict.kind === 'done') waiting?.resolve(verdict.value)
  else waiting?.reject(verdict.error)
}

async function runAll(trx: Trx, batch: readonly Waiting[]): Promise<Verdict[]> {
  const [only] = batch
  if (only !== undefined && batch.length === 1) return [{ kind: 'done', value: await only.work(trx) }]
  const verdicts: Verdict[] = []
  for (const { work } of batch) verdicts.push(await runBetweenSavepoints(trx, work))
  return verdicts
}

async function runBetweenSavepoints(trx: Trx, work: Waiting['work']): Promise<Verdict> {
  await sql`savepoint piece`.execute(trx)
  try {
    const value = await work(trx)
    await sql`release piece`.execute(trx)
    return { kind: 'done', value }
  } catch (error) {
    // Fails when the engine already rolled everything back (disk full, I/O error); then the whole batch fails.
    await sql`rollback to piece`.execute(trx)
    await sql`release piece`.execute(trx)
    return { kind: 'failed', error }
  }
}
