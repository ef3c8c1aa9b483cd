import { readJobUsage, type JobUsage } from '../database/queries/job-usage.ts'
import { listJobProjects, listJobs, type JobFilter } from '../database/repositories/job-repository.ts'
import type { TableName } from '../database/tables.ts'
import { OrchError } from '../errors/orch-error.ts'
import { explainWaits } from './explain-jobs.ts'
import type { JobsDeps } from './jobs-deps.ts'
import type { WaitReason } from './readiness.ts'
import { withName, type NamedJob } from './resolve-job.ts'

export interface ListedJob extends NamedJob {
  /** The most decisive reason of a blocked or ready job. */
  readonly reason: WaitReason | null
  readonly usage: JobUsage | null
}

export interface JobList {
  readonly jobs: readonly ListedJob[]
  /** Tables without which the list is empty. */
  readonly missing: readonly TableName[]
}

/** Jobs with what each waits for. Without its tables the list is empty and says why. */
export async function listJobsWithReasons(
  deps: JobsDeps,
  filter: Omit<JobFilter, 'projectId'> & { readonly project?: string },
): Promise<JobList> {
  const missing = await deps.tables.missing(['projects', 'jobs'])
  if (missing.length > 0) return { jobs: [], missing }
  const projects = await listJobProjects(deps.database.db)
  const { project: slug, ...rest } = filter
  const projectId = slug === undefined ? undefined : requireProject(projects, slug).id
  const jobs = await listJobs(deps.database.db, { ...rest, projectId })
  const named = jobs.map((job) => withName(job, projects))
  const reasons = await explainWaits(deps, named, { projectId })
  const usage = (await deps.tables.has('model_usage'))
    ? await readJobUsage(deps.database.db, { projectId })
    : new Map<string, JobUsage>()
  return {
    jobs: named.map((one) => ({
      ...one,
      reason: reasons.get(one.job.id)?.[0] ?? null,
      usage: usage.get(one.job.id) ?? null,
    })),
    missing: [],
  }
}

/** The project with this slug. Throws ORCH_NOT_FOUND. */
export function requireProject<Project extends { readonly id: string; readonly slug: string }>(
  projects: ReadonlyMap<string, Project>,
  slug: string,
): Project {
  for (const project of projects.values()) if (project.slug === slug) return project
  throw new OrchError('ORCH_NOT_FOUND', `There is no project "${slug}"`, {
    hint: '`orch project list` shows what there is',
  })
}
