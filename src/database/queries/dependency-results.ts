import type { JobResult } from '../../domain/job.ts'
import type { Db } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'

export interface DependencyResult {
  readonly key: string
  readonly title: string
  readonly result: JobResult
}

/** What a job's direct dependencies handed over, by key. */
export async function readDependencyResults(db: Db, jobId: string): Promise<readonly DependencyResult[]> {
  const rows = await db
    .selectFrom('job_dependencies')
    .innerJoin('jobs', 'jobs.id', 'job_dependencies.depends_on_id')
    .select(['jobs.key', 'jobs.title', 'jobs.result'])
    .where('job_dependencies.job_id', '=', jobId)
    .orderBy('jobs.key')
    .execute()
  return rows.flatMap(({ key, title, result }) =>
    result === null ? [] : [{ key, title, result: fromJson<JobResult>(result) }],
  )
}
