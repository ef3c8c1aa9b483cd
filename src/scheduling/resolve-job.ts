import {
  findJobByKey,
  findJobsBySuffix,
  listJobProjects,
  type JobProject,
} from '../database/repositories/job-repository.ts'
import type { Job } from '../domain/job.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { JobsDeps } from './jobs-deps.ts'

export interface NamedJob {
  readonly job: Job
  readonly project: JobProject
  /** `<project>/<key>`. */
  readonly name: string
}

const shown = 5

/**
 * The job that `<project>/<key>` or a unique suffix of an id names. Throws ORCH_NOT_FOUND, or ORCH_AMBIGUOUS
 * with the candidates.
 */
export async function resolveJob(deps: JobsDeps, reference: string): Promise<NamedJob> {
  await deps.tables.requireToRead(['jobs', 'projects'], 'Naming a job')
  const projects = await listJobProjects(deps.database.db)
  const named = await findNamed(deps, reference)
  if (named !== undefined) return withName(named, projects)
  const candidates = /^[0-9a-z-]+$/i.test(reference)
    ? await findJobsBySuffix(deps.database.db, reference.toLowerCase(), shown + 1)
    : []
  const [only] = candidates
  if (only === undefined) {
    throw new OrchError('ORCH_NOT_FOUND', `There is no job "${reference}"`, {
      hint: 'Name it as <project>/<key> or by the end of its id; `orch jobs list` shows both',
    })
  }
  if (candidates.length === 1) return withName(only, projects)
  const names = candidates.slice(0, shown).map((job) => `${withName(job, projects).name} (${job.id})`)
  throw new OrchError('ORCH_AMBIGUOUS', `"${reference}" fits more than one job: ${names.join(', ')}`, {
    hint: 'Give more characters of the id, or <project>/<key>',
  })
}

async function findNamed(deps: JobsDeps, reference: string): Promise<Job | undefined> {
  const slash = reference.indexOf('/')
  if (slash === -1) return undefined
  return findJobByKey(deps.database.db, reference.slice(0, slash), reference.slice(slash + 1))
}

/** The job with its project and its name. A project whose row is gone is named by its id. */
export function withName(job: Job, projects: ReadonlyMap<string, JobProject>): NamedJob {
  const project = projects.get(job.projectId) ?? {
    id: job.projectId,
    slug: job.projectId,
    status: 'cancelled',
    workspace: '',
    approved: false,
  }
  return { job, project, name: `${project.slug}/${job.key}` }
}
