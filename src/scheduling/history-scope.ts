import type { EventFilter, JobEvent } from '../database/repositories/event-repository.ts'
import { findJob, listJobProjects, listJobs } from '../database/repositories/job-repository.ts'
import { isTerminal } from '../domain/job-state.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { resolveJob } from './resolve-job.ts'

export interface HistoryScope {
  readonly filter: EventFilter
  /** The name of the event's job; null for an event of a project. */
  readonly nameOf: (event: JobEvent) => string | null
  /** Whether nothing more can happen without a person. */
  readonly isOver: () => Promise<boolean>
}

/** The history that a job's name or id, or a project's slug, stands for. Throws as `resolveJob`. */
export async function historyScope(deps: JobsDeps, reference: string): Promise<HistoryScope> {
  const projects = await listJobProjects(deps.database.db)
  const project = [...projects.values()].find(({ slug }) => slug === reference)
  if (project === undefined) {
    const { job, name } = await resolveJob(deps, reference)
    const isOver = async () => {
      const now = await findJob(deps.database.db, job.id)
      return now === undefined || isTerminal(now.state)
    }
    return { filter: { jobId: job.id }, nameOf: () => name, isOver }
  }
  const names = new Map<string, string>()
  const read = async () => {
    const jobs = await listJobs(deps.database.db, { projectId: project.id })
    for (const job of jobs) names.set(job.id, `${project.slug}/${job.key}`)
    return jobs
  }
  await read()
  return {
    filter: { projectId: project.id },
    nameOf: ({ jobId }) => (jobId === null ? null : (names.get(jobId) ?? jobId)),
    isOver: async () => (await read()).every(({ state }) => isTerminal(state)),
  }
}
