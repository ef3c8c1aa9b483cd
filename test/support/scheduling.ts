import type { AttemptEnd } from '../../src/domain/attempt-end.ts'
import { claimJobs, type ClaimedJob, type ClaimRequest } from '../../src/database/queries/claim.ts'
import { finishAttempts, type FinishReport } from '../../src/database/queries/finish.ts'
import type { Database } from '../../src/database/connection.ts'
import { systemIds } from '../../src/runtime/ids.ts'

export const allTables = { events: true, locks: true, errands: true }

/** Claims as a scheduler with every table; no job names a lock unless the test says how. */
export function claim(database: Database, overrides: Partial<ClaimRequest> = {}): Promise<ClaimedJob[]> {
  return claimJobs(database, {
    schedulerId: 'scheduler',
    limit: 10,
    leaseMs: 20_000,
    projectId: null,
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
