/** Taking back jobs whose scheduler died or lost its lease. */
import { sql } from 'kysely'
import type { AttemptEnd } from '../../domain/attempt-end.ts'
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import { releaseLocks, removeOrphanLocks } from '../repositories/lock-repository.ts'
import type { AttemptKey } from './fence.ts'
import { finishInside, type FinishedAttempt, type FinishOptions, type FinishReport } from './finish.ts'

export interface RescueRequest extends FinishOptions {
  readonly schedulerId: string
  /**
   * What the scheduler itself works on: never rescued, because one that was asleep renews first. Its other
   * rows are rescued like anybody's: a claim whose answer was lost on the way belongs to nobody.
   */
  readonly heldJobIds: readonly string[]
  /** Schedulers known to be gone; their jobs need no lease to run out. */
  readonly deadOwners: readonly string[]
  /** Whether a lease that ran out is enough; default true. Not right after a gap, see `scheduling/vigil.ts`. */
  readonly byLease?: boolean
}

const interrupted: AttemptEnd = {
  outcome: 'released',
  state: 'ready',
  nextTry: false,
  again: { delayMs: 0 },
  waitsFor: null,
  interruption: true,
  result: null,
  failure: null,
  evidence: [],
  rehearsed: false,
  reason: null,
}

/** An attempt whose scheduler is gone. */
export interface AbandonedAttempt extends AttemptKey {
  /** The process is known to be dead; otherwise its lease ran out, and it may only be slow. */
  readonly ownerDied: boolean
}

/** What a rescue would take back now; nothing is locked or changed. */
export async function findAbandoned(database: Database, request: RescueRequest): Promise<readonly AbandonedAttempt[]> {
  return selectAbandoned(database.db, request, { now: await database.now(), lockRows: false })
}

/** Puts those of the abandoned jobs that still are back to ready, their try uncharged, the interruption counted. */
export async function rescueJobs(
  database: Database,
  request: RescueRequest,
  found: readonly AttemptKey[],
): Promise<FinishReport[]> {
  if (found.length === 0) return []
  const numbers = new Map(found.map(({ jobId, attempt }) => [jobId, attempt]))
  return database.write(async (trx) => {
    const now = await database.dialect.now(trx)
    const abandoned = await selectAbandoned(trx, request, { now, lockRows: database.dialect.skipsLocked })
    const finishes = abandoned.filter(({ jobId, attempt }) => numbers.get(jobId) === attempt)
    return finishInside(trx, finishes, { ...request, eventKind: 'rescued', now })
  })
}

/**
 * Attempts that hold locks although their job runs no more and their scheduler is dead: cancelled when there was
 * nobody left to notice. No lease need run out for them.
 */
export async function findLeftLocks(database: Database, deadOwners: readonly string[]): Promise<readonly AttemptKey[]> {
  if (deadOwners.length === 0) return []
  const rows = await database.db
    .selectFrom('job_locks')
    .innerJoin('jobs', 'jobs.id', 'job_locks.job_id')
    .select(['jobs.id', 'jobs.attempt'])
    .distinct()
    .whereRef('job_locks.attempt', '=', 'jobs.attempt')
    .where('jobs.state', '<>', 'running')
    .where('jobs.lease_owner', 'in', deadOwners)
    .orderBy('jobs.id')
    .execute()
  return rows.map(({ id, attempt }) => ({ jobId: id, attempt }))
}

/** Gives back what such attempts hold; whoever claims the job again has an attempt of its own. */
export async function releaseLeftLocks(database: Database, left: readonly AttemptKey[]): Promise<void> {
  if (left.length > 0) await database.write((trx) => releaseLocks(trx, left))
}

/** Locks that outlived a cancelled job's last lease. */
export async function sweepLocks(database: Database): Promise<void> {
  await removeOrphanLocks(database.db, await database.now())
}

async function selectAbandoned(
  db: Db,
  request: RescueRequest,
  { now, lockRows }: { readonly now: number; readonly lockRows: boolean },
): Promise<(FinishedAttempt & AbandonedAttempt)[]> {
  const { deadOwners, byLease = true } = request
  if (!byLease && deadOwners.length === 0) return []
  let query = db
    .selectFrom('jobs')
    .select(['jobs.id', 'jobs.attempt', 'jobs.project_id', 'jobs.lease_owner'])
    .where('jobs.state', '=', sql.lit('running'))
    .where((eb) =>
      eb.or([
        eb('jobs.lease_owner', 'is', null),
        eb('jobs.lease_owner', '<>', request.schedulerId),
        ...(request.heldJobIds.length === 0
          ? [eb('jobs.lease_owner', '=', request.schedulerId)]
          : [eb('jobs.id', 'not in', request.heldJobIds)]),
      ]),
    )
    .where((eb) =>
      eb.or([
        ...(byLease ? [eb('jobs.lease_expires_at', 'is', null), eb('jobs.lease_expires_at', '<', now)] : []),
        ...(deadOwners.length === 0 ? [] : [eb('jobs.lease_owner', 'in', deadOwners)]),
      ]),
    )
    .orderBy('jobs.id')
  // Who already holds the row is ending or renewing it.
  if (lockRows) query = query.forUpdate('jobs').skipLocked()
  const rows = await query.execute()
  return rows.map((row) => {
    const ownerDied = row.lease_owner !== null && deadOwners.includes(row.lease_owner)
    const reason = ownerDied ? 'its scheduler died' : 'its lease ran out'
    const end = { ...interrupted, reason }
    return { jobId: row.id, attempt: row.attempt, projectId: row.project_id, end, ownerDied }
  })
}
