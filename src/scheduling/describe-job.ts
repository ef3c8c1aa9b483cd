import {
  readJournalSummary,
  readLatestErrands,
  type ErrandLine,
  type JournalLine,
} from '../database/queries/job-journal.ts'
import { readJobUsage, type JobUsage } from '../database/queries/job-usage.ts'
import { listAttempts, type AttemptRecord } from '../database/repositories/attempt-repository.ts'
import { listDependencies, listDependants } from '../database/repositories/job-repository.ts'
import type { TableName } from '../database/tables.ts'
import type { Job } from '../domain/job.ts'
import { explainJob, type Explanation } from './explain-jobs.ts'
import type { JobsDeps } from './jobs-deps.ts'
import type { NamedJob } from './resolve-job.ts'

/** Everything orch knows about a job. */
export interface JobDescription {
  readonly explanation: Explanation
  readonly dependencies: readonly Job[]
  readonly dependants: readonly Job[]
  readonly attempts: readonly AttemptRecord[]
  readonly journal: readonly JournalLine[]
  /** Of the latest try that has any: what `jobs retry --from` may name. */
  readonly errands: readonly ErrandLine[]
  readonly usage: JobUsage | null
  /** Tables whose part of the description is empty because they are missing. */
  readonly missing: readonly TableName[]
}

/** Reads a job with its attempts, evidence, journal and usage; parts without a table are empty and named. */
export async function describeJob(deps: JobsDeps, named: NamedJob): Promise<JobDescription> {
  const { db } = deps.database
  const missing = await deps.tables.missing(['job_dependencies', 'attempts', 'errands', 'model_usage'])
  const has = (table: TableName) => !missing.includes(table)
  const { id } = named.job
  return {
    explanation: await explainJob(deps, named),
    dependencies: has('job_dependencies') ? await listDependencies(db, id) : [],
    dependants: has('job_dependencies') ? await listDependants(db, id) : [],
    attempts: has('attempts') ? await listAttempts(db, id) : [],
    journal: has('errands') ? await readJournalSummary(db, id) : [],
    errands: has('errands') ? await readLatestErrands(db, id) : [],
    usage: has('model_usage') ? ((await readJobUsage(db, { jobIds: [id] })).get(id) ?? null) : null,
    missing,
  }
}
