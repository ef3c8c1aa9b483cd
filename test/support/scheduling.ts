import type { AttemptEnd } from '../../src/domain/attempt-end.ts'
import { claimJobs, type ClaimedJob, type ClaimRequest } from '../../src/database/queries/claim.ts'
import { finishAttempts, type FinishReport } from '../../src/database/queries/finish.ts'
import { migrations } from '../../migrations/index.ts'
import { Capabilities } from '../../src/database/capabilities.ts'
import type { Database } from '../../src/database/connection.ts'
import type { Attempt, Outcome } from '../../src/execution/attempt.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { SchedulerRun, type RunOptions } from '../../src/scheduling/scheduler-run.ts'
import type { SchedulerDeps, SchedulerEvent } from '../../src/scheduling/scheduler-types.ts'
import { Scheduler } from '../../src/scheduling/scheduler.ts'
import { isAlive, ownIdentity } from '../../src/workspace/process-identity.ts'

export interface SchedulerOverrides {
  readonly deps?: Partial<SchedulerDeps>
  readonly options?: Partial<RunOptions>
}

/** What a scheduler needs, with work that succeeds at once and every event kept. */
export function schedulerParts(database: Database, overrides: SchedulerOverrides = {}) {
  const events: SchedulerEvent[] = []
  const deps: SchedulerDeps = {
    database,
    tables: new Capabilities(database, migrations),
    clock: systemClock,
    random: seededRandom(1),
    ids: systemIds,
    execute: async () => completedOutcome,
    identity: ownIdentity(),
    isAlive,
    canReach: () => true,
    killRemains: async () => {},
    notify: (event) => void events.push(event),
    ...overrides.deps,
  }
  const options: RunOptions = {
    concurrency: 4,
    projectSlug: null,
    leaseMs: 20_000,
    databaseTrusted: true,
    version: '0.0.0',
    retryPolicy: { baseMs: 1, longestMs: 2 },
    untilIdle: true,
    maxWaitMs: 60_000,
    graceMs: null,
    ...overrides.options,
  }
  return { deps, options, events }
}

/** A scheduler for single ticks. */
export function aScheduler(database: Database, overrides: SchedulerOverrides = {}) {
  const { deps, options, events } = schedulerParts(database, overrides)
  return { scheduler: new Scheduler(deps, options), events }
}

/** A scheduler that runs until idle. */
export function aRun(database: Database, overrides: SchedulerOverrides = {}) {
  const { deps, options, events } = schedulerParts(database, overrides)
  return { run: new SchedulerRun(deps, options), events }
}

export const completedOutcome: Outcome = {
  kind: 'completed',
  result: { summary: 'done', files: [], claims: [], reply: null },
  evidence: [],
  rehearsed: false,
}

export function failedOutcome(retryable = false): Outcome {
  return { kind: 'failed', failure: { errorClass: 'evidence', message: 'no file', evidence: [] }, retryable }
}

/** Lets an attempt's promise settle and its outcome be noted. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Work that goes on until the test ends it, or until it is told to stop. */
export function pendingWork() {
  const ends = new Map<string, (outcome: Outcome) => void>()
  const stops: string[] = []
  const execute = (attempt: Attempt) =>
    new Promise<Outcome>((resolve) => {
      ends.set(attempt.job.key, resolve)
      attempt.signal.addEventListener('abort', () => {
        stops.push(`${attempt.job.key} ${attempt.signal.reason}`)
        resolve({ kind: 'released', reason: 'stopped' })
      })
    })
  const end = async (key: string, outcome: Outcome = completedOutcome) => {
    ends.get(key)?.(outcome)
    await settled()
  }
  return { execute, end, stops, started: () => [...ends.keys()] }
}

export const allTables = { events: true, locks: true, errands: true }

/** Claims as a scheduler with every table; no job names a lock unless the test says how. */
export function claim(database: Database, overrides: Partial<ClaimRequest> = {}): Promise<ClaimedJob[]> {
  return claimJobs(database, {
    schedulerId: 'scheduler',
    limit: 10,
    leaseMs: 20_000,
    projectSlug: null,
    facts: { databaseTrusted: true, unreachableProjects: [] },
    hasLockTable: true,
    hasEventTable: true,
    ids: systemIds,
    locksFor: () => ({ names: [], paths: [] }),
    ...overrides,
  })
}

export function anEnd(overrides: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    outcome: 'completed',
    state: 'completed',
    nextTry: false,
    again: null,
    waitsFor: null,
    interruption: false,
    result: null,
    failure: null,
    evidence: [],
    rehearsed: false,
    reason: null,
    ...overrides,
  }
}

export const deadEnd = anEnd({ outcome: 'failed', state: 'failed' })

/** Ends claimed jobs, all in the same way. */
export function finish(
  database: Database,
  claimed: readonly ClaimedJob[],
  end: AttemptEnd = anEnd(),
): Promise<FinishReport[]> {
  const finishes = claimed.map(({ job }) => ({ jobId: job.id, attempt: job.attempt, projectId: job.projectId, end }))
  return finishAttempts(database, finishes, { ids: systemIds, tables: allTables })
}

export function keysOf(claimed: readonly ClaimedJob[]): string[] {
  return claimed.map(({ job }) => job.key)
}
