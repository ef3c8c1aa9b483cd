/**
 * Claiming: a read first, so that idle schedulers never take the write lock, then one short write
 * transaction that chooses again, takes the jobs and records their attempts. Its cost depends neither on the
 * jobs that are over, blocked or not due, nor on those of projects that may not start any.
 */
import { sql } from 'kysely'
import type { Job } from '../../domain/job.ts'
import { OrchError } from '../../errors/orch-error.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Dialect, Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { insertAttempts } from '../repositories/attempt-repository.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import { insertLocks } from '../repositories/lock-repository.ts'
import type { JobLimits, LimitRoom } from '../../domain/job-limits.ts'
import { findBehindHeads } from './behind-heads.ts'
import { findCandidates, reachableProjects, type Candidate, type CandidateRequest } from './claim-candidates.ts'
import { admitDueJobs, hasDueJobs } from './due-jobs.ts'
import type { CandidateProject } from './projects-with-work.ts'
import { readRoom, type LimitScope } from './limit-room.ts'
import { nothingShared, type ReadinessFacts } from './readiness-conditions.ts'

export interface ClaimRequest extends Pick<
  CandidateRequest,
  'limit' | 'projectSlug' | 'hasLockTable' | 'locksFor' | 'canReach' | 'only'
> {
  readonly schedulerId: string
  readonly leaseMs: number
  readonly facts: Omit<ReadinessFacts, 'now'>
  readonly hasEventTable: boolean
  readonly ids: Ids
  /** Limits that all schedulers share; left out where none is in force. */
  readonly limits?: ClaimLimits
  /** Says when a look behind heads that may not start is worth its price; left out, it always is. */
  readonly pace?: SearchPace
  /**
   * Whether to look before taking the write lock; default true. Whoever knows of work, and was not turned away by
   * limits or locks the last time, saves the look.
   */
  readonly lookFirst?: boolean
}

/** The limits as they were known lately, and as a transaction sees them. */
export interface ClaimLimits extends LimitScope {
  inside(trx: Trx): Promise<JobLimits>
}

export interface SearchPace {
  mayLook(): boolean
  /** A look began; called with how many it found when it is over. */
  begin(): (found: number) => void
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
  const { dialect } = database
  // Where a transaction keeps nobody from writing, a look before it only costs round trips.
  const goesStraight = dialect.skipsLocked || request.lookFirst === false
  const before = goesStraight ? 'work' : await lookBefore(database, request)
  if (before === 'nothing') return []
  if (before === 'behind') return claimBehind(database, request)
  const { claimed, maybeMore } = await database.write(async (trx) =>
    claimInside(trx, database, { ...request, now: await dialect.now(trx) }),
  )
  if (!maybeMore) return claimed
  const rest = { ...request, limit: request.limit - claimed.length }
  // What was claimed must be started, also when the database goes away in the middle of looking further.
  return [...claimed, ...(await claimBehind(database, rest).catch(() => []))]
}

/** Whether a transaction would find work; `behind`: only past heads that may not start, if at all. */
async function lookBefore(database: Database, request: ClaimRequest): Promise<'work' | 'behind' | 'nothing'> {
  const { db } = database
  const now = await database.now()
  if (await hasDueJobs(db, now)) return 'work'
  const room = await knownRoom(database, request)
  if (room?.full().jobs === true) return 'nothing'
  const facts = { ...request.facts, now }
  const seen = await findCandidates(db, { ...request, limit: 1, facts, shared: facts.shared, room, lockRows: false })
  if (seen.chosen.length > 0) return 'work'
  return seen.maybeMore ? 'behind' : 'nothing'
}

/**
 * Takes what may start behind heads that may not. Nothing where `pace` says that the last look was too short a
 * while ago: with thousands of such heads a look takes time.
 */
export async function claimBehind(database: Database, request: ClaimRequest): Promise<ClaimedJob[]> {
  if (request.limit <= 0 || request.pace?.mayLook() === false) return []
  const over = request.pace?.begin()
  const found = await lookBehind(database, request)
  over?.(found.length)
  if (found.length === 0) return []
  const only = found.map(({ id }) => id)
  return database.write(async (trx) => {
    const now = await database.dialect.now(trx)
    return (await claimInside(trx, database, { ...request, only, now })).claimed
  })
}

async function lookBehind(database: Database, request: ClaimRequest): Promise<readonly Job[]> {
  const { db, dialect } = database
  const facts = { ...request.facts, now: await database.now() }
  const room = await knownRoom(database, request)
  if (room?.full().jobs === true) return []
  const projects = await reachableProjects(db, { ...request, facts })
  if (projects.size === 0) return []
  return findBehindHeads(db, { ...request, facts, shared: facts.shared ?? nothingShared(dialect), room, projects })
}

async function knownRoom({ db, dialect }: Database, { limits }: ClaimRequest): Promise<LimitRoom | undefined> {
  return limits === undefined ? undefined : readRoom(db, dialect, limits)
}

export interface Claim {
  readonly claimed: ClaimedJob[]
  /** Heads were passed over and places are left: `claimBehind` may find more. */
  readonly maybeMore: boolean
}

/** The same inside a transaction of the caller's that knows its time, without the look before. */
export async function claimInside(
  trx: Trx,
  { dialect }: Pick<Database, 'dialect'>,
  request: ClaimRequest & { readonly now: number },
): Promise<Claim> {
  if (request.limit <= 0) return { claimed: [], maybeMore: false }
  const { now, facts } = request
  await admitDueJobs(trx, now)
  const room = await exactRoom(trx, dialect, request)
  if (room?.full().jobs === true) return { claimed: [], maybeMore: false }
  const { chosen, maybeMore } = await findCandidates(trx, {
    ...request,
    facts: { ...facts, now },
    shared: facts.shared,
    room,
    lockRows: dialect.skipsLocked,
    // Which locks are free must not change between looking and taking: such claims go one after the other.
    lockLimits: () => dialect.lockLimits(trx),
  })
  if (chosen.length === 0) return { claimed: [], maybeMore }
  const claimed = chosen.map((candidate) => toClaimed(candidate, request))
  await insertAttempts(
    trx,
    claimed.map(({ job }) => ({ jobId: job.id, number: job.attempt, try: job.try })),
    { schedulerId: request.schedulerId, at: now },
  )
  if (request.hasLockTable) await insertLocks(trx, locksOf(chosen, claimed), now)
  if (request.hasEventTable) await appendEvents(trx, claimed.map(startedEvent), { ids: request.ids, at: now })
  // Last, because its answer is waited for: where statements are sent ahead, the engine does the others meanwhile.
  await takeRows(trx, claimed, request)
  return { claimed, maybeMore }
}

/** What is left of each limit, as it stays until this transaction ends. */
async function exactRoom(trx: Trx, dialect: Dialect, { limits }: ClaimRequest): Promise<LimitRoom | undefined> {
  if (limits === undefined) return undefined
  await dialect.lockLimits(trx)
  return readRoom(trx, dialect, { ...limits, limits: await limits.inside(trx) })
}

/** The job as `takeGiven` makes it of a row that nobody else can change meanwhile. */
function toClaimed(
  { job, project, locks }: Candidate,
  { now, schedulerId, leaseMs }: ClaimRequest & { readonly now: number },
): ClaimedJob {
  return {
    job: {
      ...job,
      state: 'running',
      attempt: job.attempt + 1,
      try: Math.max(1, job.try),
      leaseOwner: schedulerId,
      leaseExpiresAt: now + leaseMs,
      waitsFor: null,
      startedAt: job.startedAt ?? now,
      updatedAt: now,
    },
    project,
    holdsLocks: locks.length > 0,
  }
}

/** Throws a bug where a row is not as it was read: then nobody could know which attempt is whose. */
async function takeRows(
  trx: Trx,
  claimed: readonly ClaimedJob[],
  { now, schedulerId, leaseMs }: ClaimRequest & { readonly now: number },
): Promise<void> {
  const given = claimed.map(({ job }) => ({ job: job.id, before: job.attempt - 1 }))
  const { numAffectedRows } = await takeGiven(trx, { given, now, schedulerId, leaseExpiresAt: now + leaseMs })
  if (numAffectedRows === BigInt(claimed.length)) return
  throw new OrchError('ORCH_BUG', `${claimed.length} jobs were chosen and ${numAffectedRows} could be taken`, {
    hint: 'This is a bug in orch',
  })
}

// A plan may store a job that was never started with try 0.
// `coalesce` keeps SQLite from walking an index of ready jobs instead of finding each by its id.
const takeGiven = hotStatement<'given' | 'now' | 'schedulerId' | 'leaseExpiresAt', never>((db, slot, adapter) =>
  sql<never>`
      update jobs
      set state = 'running',
        attempt = attempt + 1,
        try = case when try < 1 then 1 else try end,
        lease_owner = ${slot('schedulerId')},
        lease_expires_at = ${slot('leaseExpiresAt')},
        waits_for = null,
        started_at = coalesce(started_at, ${slot('now')}),
        updated_at = ${slot('now')}
      from ${adapter.givenRows(slot('given'), { job: 'text', before: 'integer' })}
      where jobs.id = given.job and jobs.attempt = given.before and coalesce(jobs.state, '') = 'ready'`.compile(db),
)

function locksOf(candidates: readonly Candidate[], claimed: readonly ClaimedJob[]) {
  return candidates.flatMap(({ locks }, place) => {
    const job = claimed[place]?.job
    return job === undefined ? [] : locks.map((lock) => ({ jobId: job.id, attempt: job.attempt, lock }))
  })
}

function startedEvent({ job }: ClaimedJob) {
  const data = { try: job.try, scheduler: job.leaseOwner }
  return { projectId: job.projectId, jobId: job.id, attempt: job.attempt, kind: 'started', data }
}
