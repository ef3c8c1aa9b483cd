import { readJobUsage, sumSpend, type JobUsage } from '../database/queries/job-usage.ts'
import { countJobStates } from '../database/queries/run-state.ts'
import type { Database } from '../database/connection.ts'
import type { JobState } from '../domain/job-state.ts'
import type { MicroUsd } from '../domain/money.ts'

/** What a live board shows beyond the scheduler's own events. */
export interface RunProgress {
  readonly counts: Readonly<Partial<Record<JobState, number>>>
  /** Usage of the named jobs by id. */
  readonly usage: ReadonlyMap<string, JobUsage>
  /** What is known to be spent in the whole scope, and calls whose cost is not known. */
  readonly spentMicroUsd: MicroUsd
  readonly unknownCalls: number
}

export interface ProgressScope {
  readonly projectSlug: string | null
  readonly jobIds: readonly string[]
  readonly hasUsageTable: boolean
}

/** Counts of the scope and the usage of the named jobs, in three reads. */
export async function readRunProgress(database: Database, scope: ProgressScope): Promise<RunProgress> {
  const counts = await countJobStates(database.db, scope.projectSlug)
  if (!scope.hasUsageTable) return { counts, usage: new Map(), spentMicroUsd: 0, unknownCalls: 0 }
  const usage = await readJobUsage(database.db, { jobIds: scope.jobIds })
  return { counts, usage, ...(await sumSpend(database.db, scope.projectSlug)) }
}
