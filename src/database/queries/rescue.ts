/** Taking back jobs whose scheduler died or lost its lease. */
import { sql } from 'kysely'
import type { AttemptEnd } from '../../domain/attempt-end.ts'
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import { removeOrphanLocks } from '../repositories/lock-repository.ts'
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

/** Puts abandoned jobs back to ready, their try uncharged, the interruption counted. */
export async function rescueJobs(database: Database, request: RescueRequest): Promise<FinishReport[]> {
  const now = await database.now()
  if ((await findAbandoned(database.db, request, { now, lockRows: false })).length === 0) {
    return []
  }
  return database.write(async (trx) => {
    const then = await database.dialect.now(trx)
    const abandoned = await findAbandoned(trx, request, { now: then, lockRows: database.dialect.skipsLocked })
    const context = {
      ...request,
      eventKind: 'rescued',
      now: then,
    }
    return finishInside(trx, abandoned, context)
  })
}

/** Locks that outlived a cancelled job's last lease. */
export async function sweepLocks(database: Database): Promise<void> {
  await removeOrphanLocks(database.db, await database.now())
}

async function findAbandoned(
  db: Db,
  request: RescueRequest,
  { now, lockRows }: { readonly now: number; readonly lockRows: boolean },
): Promise<FinishedAttempt[]> {
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
    const dead = row.lease_owner !== null && deadOwners.includes(row.lease_owner)
    const reason = dead ? 'its scheduler died' : 'its lease ran out'
    return {
      jobId: row.id,
      attempt: row.attempt,
      projectId: row.project_id,
      end: { ...interrupted, reason },
    }
  })
}
