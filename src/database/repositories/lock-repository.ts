import type { HeldLock, JobLock } from '../../domain/job-lock.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { AttemptKey } from '../queries/fence.ts'

/** Every lock held now: as many as running jobs hold, so a short list. */
export async function listLocks(db: Db): Promise<HeldLock[]> {
  const rows = await db.selectFrom('job_locks').select(['name', 'mode', 'job_id']).execute()
  return rows.map((row) => ({ name: row.name, mode: row.mode, jobId: row.job_id }))
}

const insertBatch = 500

/** Takes locks for an attempt that is being claimed; the caller has proven that none conflicts. */
export async function insertLocks(
  trx: Trx,
  locks: readonly (AttemptKey & { readonly lock: JobLock })[],
  at: number,
): Promise<void> {
  for (let start = 0; start < locks.length; start += insertBatch) {
    const rows = locks.slice(start, start + insertBatch).map(({ jobId, attempt, lock }) => ({
      name: lock.name,
      job_id: jobId,
      attempt,
      mode: lock.mode,
      acquired_at: at,
    }))
    // A row left by an earlier attempt of the same job is taken over, never in the way.
    await trx
      .insertInto('job_locks')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['name', 'job_id']).doUpdateSet((eb) => ({
          attempt: eb.ref('excluded.attempt'),
          mode: eb.ref('excluded.mode'),
          acquired_at: eb.ref('excluded.acquired_at'),
        })),
      )
      .execute()
  }
}

/** Gives back what one attempt holds, also when it is no longer current. */
export async function releaseLocks(trx: Trx, key: AttemptKey): Promise<void> {
  await trx.deleteFrom('job_locks').where('job_id', '=', key.jobId).where('attempt', '=', key.attempt).execute()
}

/** Removes locks whose job no longer runs and whose last lease has passed, so that none outlives a crash. */
export async function removeOrphanLocks(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('job_locks')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('jobs')
            .select('jobs.id')
            .whereRef('jobs.id', '=', 'job_locks.job_id')
            .whereRef('jobs.attempt', '=', 'job_locks.attempt')
            .where((job) => job.or([job('jobs.state', '=', 'running'), job('jobs.lease_expires_at', '>', now)])),
        ),
      ),
    )
    .execute()
}
