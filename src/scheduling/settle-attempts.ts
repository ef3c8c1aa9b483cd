import { finishAttempts, type FinishedAttempt, type FinishReport } from '../database/queries/finish.ts'
import type { Outcome } from '../execution/attempt.ts'
import type { HeldAttempt, HeldAttempts } from './held-attempts.ts'
import { decideEnd } from './outcome-transition.ts'
import type { SchedulerDeps, SchedulerOptions } from './scheduler-types.ts'
import type { TablesNow } from './table-watch.ts'

interface Settling {
  readonly deps: SchedulerDeps
  readonly options: SchedulerOptions
  readonly held: HeldAttempts
  readonly tables: TablesNow
}

type Ended = HeldAttempt & { readonly outcome: Outcome }

/**
 * Writes the end of every attempt that is over, all in one transaction. When the database is away this
 * throws and nothing is forgotten: the outcomes stay held and the next pass tries again.
 */
export async function settleAttempts(settling: Settling): Promise<number> {
  const ended = settling.held.ended()
  if (ended.length === 0) return 0
  const finishes = ended.flatMap((held) => toFinish(held, settling) ?? [])
  const reports = new Map((await writeEnds(finishes, settling)).map((report) => [report.jobId, report]))
  for (const held of ended) {
    settling.held.drop(held)
    settling.deps.notify({
      kind: 'ended',
      claimed: held.claimed,
      outcome: held.outcome,
      report: reports.get(held.claimed.job.id) ?? null,
      durationMs: settling.deps.clock.monotonic() - held.startedAtMs,
    })
  }
  return ended.length
}

function toFinish(held: Ended, { deps, options }: Settling): FinishedAttempt | null {
  const { job } = held.claimed
  const end = decideEnd(held.outcome, {
    try: job.try,
    maxTries: job.maxTries,
    random: deps.random,
    policy: options.retryPolicy,
    stopped: held.controller.signal.reason === 'stop',
  })
  return end === null ? null : { jobId: job.id, attempt: job.attempt, projectId: job.projectId, end }
}

async function writeEnds(finishes: readonly FinishedAttempt[], { deps, tables }: Settling): Promise<FinishReport[]> {
  const finishOptions = { ids: deps.ids, tables }
  try {
    return await finishAttempts(deps.database, finishes, finishOptions)
  } catch (error) {
    if (deps.database.dialect.classify(error) !== 'other' || finishes.length < 2) throw error
    // One row that cannot be written must not hold up the others.
    const reports: FinishReport[] = []
    for (const finish of finishes) reports.push(...(await finishAttempts(deps.database, [finish], finishOptions)))
    return reports
  }
}
