/**
 * Claiming: a read first, so that idle schedulers never take the write lock, then one short write
 * transaction that chooses again, takes the jobs and records their attempts.
 */
import type { Job } from '../../domain/job.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { insertAttempts } from '../repositories/attempt-repository.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import { insertLocks } from '../repositories/lock-repository.ts'
import { findCandidates, type Candidate, type CandidateProject, type CandidateRequest } from './claim-candidates.ts'
import type { ReadinessFacts } from './readiness-conditions.ts'

export interface ClaimRequest extends Pick<CandidateRequest, 'limit' | 'projectSlug' | 'hasLockTable' | 'locksFor'> {
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
}

/** Takes up to `limit` jobs in the order of promise 4. Nobody else gets the same attempt. */
export async function claimJobs(database: Database, request: ClaimRequest): Promise<ClaimedJob[]> {
  if (request.limit <= 0) return []
  const now = await database.now()
  const probe = { ...request, limit: 1, facts: { ...request.facts, now }, lockRows: false }
  if ((await findCandidates(database.db, probe)).length === 0) return []
  return database.write((trx) => claimInside(trx, database, request))
}

/** The same inside a transaction of the caller's, without the look before. */
export async function claimInside(
  trx: Trx,
  { dialect }: Pick<Database, 'dialect'>,
  request: ClaimRequest,
): Promise<ClaimedJob[]> {
  if (request.limit <= 0) return []
  // Which locks are free must not change between looking and taking: claims go one after the other.
  await dialect.lockLimits(trx)
  const now = await dialect.now(trx)
  const facts = { ...request.facts, now }
  const candidates = await findCandidates(trx, {
    ...request,
    facts,
    lockRows: dialect.skipsLocked,
  })
  if (candidates.length === 0) return []
  const taken = await takeRows(trx, candidates, { request, now })
  await insertAttempts(
    trx,
    taken.map(({ job }) => ({ jobId: job.id, number: job.attempt, try: job.try })),
    { schedulerId: request.schedulerId, at: now },
  )
  if (request.hasLockTable) await insertLocks(trx, taken.flatMap(lockRows), now)
  if (request.hasEventTable) await appendEvents(trx, taken.map(startedEvent(request)), { ids: request.ids, at: now })
  return taken.map(({ job, project }) => ({ job, project }))
}

async function takeRows(
  trx: Trx,
  candidates: readonly Candidate[],
  { request, now }: { readonly request: ClaimRequest; readonly now: number },
): Promise<Candidate[]> {
  const leaseExpiresAt = now + request.leaseMs
  const rows = await trx
    .updateTable('jobs')
    .set((eb) => ({
      state: 'running',
      attempt: eb('attempt', '+', 1),
      // A plan may store a job that was never started with try 0.
      try: eb.case().when('try', '<', 1).then(1).else(eb.ref('try')).end(),
      lease_owner: request.schedulerId,
      lease_expires_at: leaseExpiresAt,
      waits_for: null,
      started_at: eb.fn.coalesce('started_at', eb.val(now)),
      updated_at: now,
    }))
    .where('state', '=', 'ready')
    .where(
      'id',
      'in',
      candidates.map(({ job }) => job.id),
    )
    .returning(['id', 'attempt', 'try', 'started_at'])
    .execute()
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
      leaseOwner: request.schedulerId,
      leaseExpiresAt,
      waitsFor: null,
      startedAt: row.started_at,
      updatedAt: now,
    }
    return [{ ...candidate, job }]
  })
}

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
