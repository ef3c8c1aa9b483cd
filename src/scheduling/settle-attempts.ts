import { claimBehind, claimJobs, type ClaimedJob, type ClaimRequest } from '../database/queries/claim.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import { finishAndClaim, type FinishedAndClaimed } from '../database/queries/finish-and-claim.ts'
import { finishAttempts, type FinishedAttempt, type FinishReport } from '../database/queries/finish.ts'
import type { Outcome } from '../execution/attempt.ts'
import type { HeldAttempt, HeldAttempts } from './held-attempts.ts'
import { decideEnd } from './outcome-transition.ts'
import type { SchedulerDeps, SchedulerOptions } from './scheduler-types.ts'
import type { TablesNow } from './table-watch.ts'

type Ended = HeldAttempt & { readonly outcome: Outcome }

interface Settling {
  readonly deps: SchedulerDeps
  readonly options: SchedulerOptions
  readonly held: HeldAttempts
  readonly tables: TablesNow
  /** What was over when the claim was asked for: an attempt that ends after that is the next pass's, with its place. */
  readonly ended: readonly Ended[]
}

export interface SettledAndClaimed {
  readonly settled: number
  readonly claimed: readonly ClaimedJob[]
}

/**
 * Writes the end of every attempt that is over and claims for the places that get free, all in one
 * transaction. When the database is away this throws and nothing is forgotten: the outcomes stay held and the
 * next pass tries again. With nothing to end it looks before it takes the write lock.
 */
export async function settleAndClaim(settling: Settling, request: ClaimRequest): Promise<SettledAndClaimed> {
  const { ended } = settling
  if (ended.length === 0) return { settled: 0, claimed: await claimJobs(settling.deps.database, request) }
  const finishes = ended.flatMap((held) => toFinish(held, settling) ?? [])
  settling.deps.crashPoints?.pass('before-finish')
  const { reports, claimed, maybeMore } = await writeEnds(finishes, settling, request)
  settling.deps.crashPoints?.pass('after-finish')
  forget(ended, reports, settling)
  const rest = { ...request, limit: maybeMore ? request.limit - claimed.length : 0 }
  // What was claimed must be started, also when the database goes away in the middle of looking further.
  const behind = await claimBehind(settling.deps.database, rest).catch(() => [])
  return { settled: ended.length, claimed: [...claimed, ...behind] }
}

function forget(ended: readonly Ended[], reports: readonly FinishReport[], { deps, held: all }: Settling): void {
  const nowMs = deps.clock.monotonic()
  const byAttempt = new Map(reports.map((report) => [nameOf(report), report]))
  for (const held of ended) {
    all.drop(held)
    const { claimed, outcome, startedAtMs } = held
    const report = byAttempt.get(nameOf({ jobId: claimed.job.id, attempt: claimed.job.attempt })) ?? null
    deps.notify({ kind: 'ended', claimed, outcome, report, durationMs: nowMs - startedAtMs })
  }
}

function nameOf({ jobId, attempt }: AttemptKey): string {
  return `${jobId}#${attempt}`
}

function toFinish(held: Ended, { deps, options }: Settling): FinishedAttempt | null {
  const { job, holdsLocks } = held.claimed
  const end = decideEnd(held.outcome, {
    try: job.try,
    maxTries: job.maxTries,
    random: deps.random,
    policy: options.retryPolicy,
    stopped: held.stopReason === 'stop',
  })
  if (end === null) return null
  return {
    jobId: job.id,
    attempt: job.attempt,
    projectId: job.projectId,
    end,
    ...(holdsLocks === false ? { holdsLocks } : {}),
  }
}

async function writeEnds(
  finishes: readonly FinishedAttempt[],
  { deps, tables }: Settling,
  request: ClaimRequest,
): Promise<FinishedAndClaimed> {
  const options = { ids: deps.ids, tables }
  try {
    return await finishAndClaim(deps.database, { finishes, options }, request)
  } catch (error) {
    if (deps.database.dialect.classify(error) !== 'other' || finishes.length < 2) throw error
    // One row that cannot be written must not hold up the others.
    const reports: FinishReport[] = []
    for (const finish of finishes) reports.push(...(await finishAttempts(deps.database, [finish], options)))
    return { reports, claimed: [], maybeMore: false }
  }
}
