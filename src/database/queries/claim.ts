/**
 * Claiming: a read first, so that idle schedulers never take the write lock, then one short write
 * transaction that chooses again, takes the jobs and records their attempts. Its cost depends neither on the
 * jobs that are over, blocked or not due, nor on those of projects that may not start any.
 */
import { sql } from 'kysely'
import type { Job } from '../../domain/job.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { toJson } from '../json.ts'
import { insertAttempts } from '../repositories/attempt-repository.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import { insertLocks } from '../repositories/lock-repository.ts'
import { findCandidates, type Candidate, type CandidateRequest } from './claim-candidates.ts'
import { admitDueJobs, hasDueJobs } from './due-jobs.ts'
import type { CandidateProject } from './projects-with-work.ts'
import type { ReadinessFacts } from './readiness-conditions.ts'

export interface ClaimRequest extends Pick<
  CandidateRequest,
  'limit' | 'projectSlug' | 'hasLockTable' | 'locksFor' | 'canReach'
> {
  readonly schedulerId: string
  readonly leaseMs: number
  readonly facts: Omit<ReadinessFacts, 'now'>
  readonly hasEventTable: boolean
  readonly ids: Ids
}

/** A job that this scheduler now owns, as it is after the claim. */
export interface ClaimedJob {
  readonly job: Job
  readonly project: CandidateProject
  /** Whether it took locks with it. */
  readonly holdsLocks?: boolean
}

/** Takes up to `limit` jobs in the order of promise 4. Nobody else gets the same attempt. */
export async function claimJobs(database: Database, request: ClaimRequest): Promise<ClaimedJob[]> {
  if (request.limit <= 0) return []
  const now = await database.now()
  const probe = { ...request, limit: 1, facts: { ...request.facts, now }, lockRows: false }
  const due = await hasDueJobs(database.db, now)
  if (!due && (await findCandidates(database.db, probe)).length === 0) return []
  return database.write(async (trx) => claimInside(trx, database, { ...request, now: await database.dialect.now(trx) }))
}

/** The same inside a transaction of the caller's that knows its time, without the look before. */
export async function claimInside(
  trx: Trx,
  { dialect }: Pick<Database, 'dialect'>,
  request: ClaimRequest & { readonly now: number },
): Promise<ClaimedJob[]> {
  if (request.limit <= 0) return []
  const { now } = request
  await admitDueJobs(trx, now)
  const candidates = await findCandidates(trx, {
    ...request,
    facts: { ...request.facts, now },
    lockRows: dialect.skipsLocked,
    // Which locks are free must not change between looking and taking: such claims go one after the other.
    lockLimits: () => dialect.lockLimits(trx),
  })
  if (candidates.length === 0) return []
  const taken = await takeRows(trx, candidates, request)
  await insertAttempts(
    trx,
    taken.map(({ job }) => ({ jobId: job.id, number: job.attempt, try: job.try })),
    { schedulerId: request.schedulerId, at: now },
  )
  if (request.hasLockTable) await insertLocks(trx, taken.flatMap(lockRows), now)
  if (request.hasEventTable) await appendEvents(trx, taken.map(startedEvent(request)), { ids: request.ids, at: now })
  return taken.map(({ job, project, locks }) => ({ job, project, holdsLocks: locks.length > 0 }))
}

async function takeRows(
  trx: Trx,
  candidates: readonly Candidate[],
  { now, schedulerId, leaseMs }: ClaimRequest & { readonly now: number },
): Promise<Candidate[]> {
  const leaseExpiresAt = now + leaseMs
  const given = toJson(candidates.map(({ job }) => ({ job: job.id })))
  const { rows } = await takeGiven(trx, { given, now, schedulerId, leaseExpiresAt })
  const byId = new Map(rows.map((row) => [row.id, row]))
  // `returning` promises no order; the candidates have it.
  return candidates.flatMap((candidate) => {
    const row = byId.get(candidate.job.id)
    if (row === undefined) return []
    const job: Job = {
      ...candidate.job,
      state: 'running',
      attempt: row.attempt,
      try: row.try,
      leaseOwner: schedulerId,
      leaseExpiresAt,
      waitsFor: null,
      startedAt: row.started_at,
      updatedAt: now,
    }
    return [{ ...candidate, job }]
  })
}

interface TakenRow {
  readonly id: string
  readonly attempt: number
  readonly try: number
  readonly started_at: number
}

// A plan may store a job that was never started with try 0.
// `coalesce` keeps SQLite from walking an index of ready jobs instead of finding each by its id.
const takeGiven = hotStatement<'given' | 'now' | 'schedulerId' | 'leaseExpiresAt', TakenRow>((db, slot, adapter) =>
  sql<TakenRow>`
      update jobs
      set state = 'running',
        attempt = attempt + 1,
        try = case when try < 1 then 1 else try end,
        lease_owner = ${slot('schedulerId')},
        lease_expires_at = ${slot('leaseExpiresAt')},
        waits_for = null,
        started_at = coalesce(started_at, ${slot('now')}),
        updated_at = ${slot('now')}
      where coalesce(state, '') = 'ready'
        and id in (select given.job from ${adapter.givenRows(slot('given'), { job: 'text' })})
      returning id, attempt, try, started_at`.compile(db),
)

function lockRows({ job, locks }: Candidate) {
  return locks.map((lock) => ({ jobId: job.id, attempt: job.attempt, lock }))
}

function startedEvent(request: ClaimRequest) {
  return ({ job }: Candidate) => ({
    projectId: job.projectId,
    jobId: job.id,
    attempt: job.attempt,
    kind: 'started',
    data: { try: job.try, scheduler: request.schedulerId },
  })
}
