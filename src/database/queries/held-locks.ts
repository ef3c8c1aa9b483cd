import { sql } from 'kysely'
import { jobLocks, type HeldLock } from '../../domain/job-lock.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'
import { listLocks } from '../repositories/lock-repository.ts'

/** What a job names: resources, and absolute paths it may write. */
export interface LockRequest {
  readonly names: readonly string[]
  readonly paths: readonly string[]
}

/**
 * What running jobs hold: from the table of locks, and from the plans of those that have no row there, because
 * the table did not exist when they were claimed or does not exist now.
 */
export async function findHeldLocks(
  db: Db,
  request: {
    readonly hasLockTable: boolean
    locksFor(plan: PlannedJob, workspace: string): LockRequest
  },
): Promise<HeldLock[]> {
  let unlisted = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select(['jobs.id', 'jobs.spec', 'projects.workspace'])
    .where('jobs.state', '=', sql.lit('running'))
  if (request.hasLockTable) {
    unlisted = unlisted.where((eb) =>
      eb.not(eb.exists(eb.selectFrom('job_locks').select('name').whereRef('job_locks.job_id', '=', 'jobs.id'))),
    )
  }
  const planned = (await unlisted.execute()).flatMap(({ id, spec, workspace }) => {
    const { names, paths } = request.locksFor(fromJson<PlannedJob>(spec), workspace)
    return jobLocks(names, paths).map((lock) => ({ ...lock, jobId: id }))
  })
  return request.hasLockTable ? [...(await listLocks(db)), ...planned] : planned
}
