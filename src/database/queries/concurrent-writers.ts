import type { PlannedJob } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'

/**
 * The plans of other jobs that may have written in a workspace since a time (epoch milliseconds): whose
 * attempts run, or ended after it. Files that fall in their `writes` say nothing about this job.
 */
export async function readConcurrentWriters(
  db: Db,
  { jobId, workspace, sinceMs }: { readonly jobId: string; readonly workspace: string; readonly sinceMs: number },
): Promise<readonly PlannedJob[]> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('jobs', 'jobs.id', 'attempts.job_id')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select('jobs.spec')
    .distinct()
    .where('projects.workspace', '=', workspace)
    .where('jobs.id', '<>', jobId)
    .where((eb) => eb.or([eb('attempts.ended_at', 'is', null), eb('attempts.ended_at', '>=', sinceMs)]))
    .execute()
  return rows.map(({ spec }) => fromJson<PlannedJob>(spec))
}
