import type { Trx } from '../dialect/dialect.ts'

export interface AttemptKey {
  readonly jobId: string
  /** The fencing token the writer was given when it claimed the job. */
  readonly attempt: number
}

/**
 * Whether the attempt still owns its job, locking the job's row until the transaction ends. Every write
 * of an attempt asks this first in the same transaction (promise 2). An update rather than
 * `select for update`, because SQLite has no row locks and both engines then take the same path.
 */
export async function holdsAttempt(trx: Trx, key: AttemptKey): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('jobs')
    .set((eb) => ({ updated_at: eb.ref('updated_at') }))
    .where('id', '=', key.jobId)
    .where('attempt', '=', key.attempt)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Why the fence refused: the job was cancelled under this very attempt, or it is somebody else's by now. */
export async function whyRefused(trx: Trx, key: AttemptKey): Promise<'cancelled' | 'lost'> {
  const row = await trx.selectFrom('jobs').select(['attempt', 'state']).where('id', '=', key.jobId).executeTakeFirst()
  return row?.attempt === key.attempt && row.state === 'cancelled' ? 'cancelled' : 'lost'
}
