import { storePlan, type StoreDeps } from '../../planning/store-plan.ts'
import type { Outcome } from '../../execution/attempt.ts'
import { Scheduler } from '../scheduler.ts'
import type { SchedulerDeps } from '../scheduler-types.ts'
import { processJudge } from '../run-jobs.ts'
import { proofPlan } from './proof-plan.ts'

export interface ClaimMeasure
  extends StoreDeps, Pick<SchedulerDeps, 'database' | 'tables' | 'clock' | 'random' | 'ids'> {
  readonly tables: StoreDeps['tables'] & SchedulerDeps['tables']
  readonly version: string
  readonly signal: AbortSignal
  /** As many at most; no more than can be claimed in three seconds. */
  readonly jobs: number
}

const slug = 'claims'
const concurrency = 50
const longestMs = 3000

const done: Outcome = {
  kind: 'completed',
  result: { summary: 'done', files: [], claims: [], reply: null },
  evidence: [],
  rehearsed: true,
}

/** Claims per second of one scheduler whose work takes no time, ends and released dependants included. */
export async function measureClaims(measure: ClaimMeasure): Promise<number> {
  const { clock, version, signal, jobs } = measure
  await storePlan(measure, proofPlan(slug, jobs), { workspace: '/', approvedBy: 'orch doctor', onTakenSlug: 'refuse' })
  const scheduler = new Scheduler(
    {
      ...measure,
      ...processJudge(),
      execute: async () => done,
      canReach: () => true,
      killRemains: async () => {},
      notify: () => {},
    },
    { concurrency, projectSlug: slug, leaseMs: 20_000, databaseTrusted: true, version },
  )
  const begin = clock.monotonic()
  let claimed = 0
  while (clock.monotonic() - begin < longestMs && !signal.aborted) {
    const counts = await scheduler.tick()
    claimed += counts.claimed
    if (counts.claimed === 0 && scheduler.held.size === 0) break
  }
  const seconds = (clock.monotonic() - begin) / 1000
  await scheduler.stop(0)
  await scheduler.leave()
  return claimed / seconds
}
