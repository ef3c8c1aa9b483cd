import { sql } from 'kysely'
import type { HeldLock, JobLock } from '../../domain/job-lock.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { lateAnswer } from '../dialect/late-answer.ts'
import type { AttemptKey } from '../queries/fence.ts'

/** Every lock held now: as many as running jobs hold, so a short list. */
export async function listLocks(db: Db): Promise<HeldLock[]> {
  const rows = await db.selectFrom('job_locks').select(['name', 'mode', 'job_id']).execute()
  return rows.map((row) => ({ name: row.name, mode: row.mode, jobId: row.job_id }))
}

/** Takes locks for attempts that are being claimed; the caller has proven that none conflicts. */
export async function insertLocks(
  trx: Trx,
  locks: readonly (AttemptKey & { readonly lock: JobLock })[],
  at: number,
): Promise<void> {
  if (locks.length === 0) return
  const rows = locks.map(({ jobId, attempt, lock }) => ({ jobId, attempt, name: lock.name, mode: lock.mode }))
  await insertGiven(trx, { given: rows, at })
}

const lockColumns = { jobId: 'text', attempt: 'integer', name: 'text', mode: 'text' } as const

// A row left by an earlier attempt of the same job is taken over, never in the way. `where true`, because
// SQLite would otherwise read `on conflict` as the condition of a join.
const insertGiven = hotStatement<'given' | 'at', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
    insert into job_locks (name, job_id, attempt, mode, acquired_at)
    select name, "jobId", attempt, mode, ${slot('at')} from ${adapter.givenRows(slot('given'), lockColumns)} where true
    on conflict (name, job_id)
    do update set attempt = excluded.attempt, mode = excluded.mode, acquired_at = excluded.acquired_at`.compile(db),
  ),
)

/** Gives back what attempts hold, also those that are no longer current. */
export async function releaseLocks(trx: Trx, keys: readonly AttemptKey[]): Promise<void> {
  if (keys.length === 0) return
  await deleteGiven(trx, { given: keys })
}

const deleteGiven = hotStatement<'given', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
    delete from job_locks where (job_id, attempt) in (
      select "jobId", given.attempt from ${adapter.givenRows(slot('given'), { jobId: 'text', attempt: 'integer' })})`.compile(
      db,
    ),
  ),
)

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
