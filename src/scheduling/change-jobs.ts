/** What a person does to jobs: retry, cancel, hold, release. */
import { cancelJobRow } from '../database/queries/cancel-jobs.ts'
import { retryJobs } from '../database/queries/retry-jobs.ts'
import { appendEvents } from '../database/repositories/event-repository.ts'
import {
  findJob,
  listJobProjects,
  listJobs,
  setHold,
  type JobProject,
} from '../database/repositories/job-repository.ts'
import { isDead, type JobHold } from '../domain/job-state.ts'
import type { RetryChange } from '../domain/retry-plan.ts'
import { OrchError } from '../errors/orch-error.ts'
import { requireProject } from './list-jobs.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { requiredTables } from './table-watch.ts'
import type { NamedJob } from './resolve-job.ts'

/**
 * Brings a failed, cancelled or skipped job back, with every dead job before it, and everything that was
 * skipped behind them. Throws ORCH_CONFLICT for a job that is not dead.
 */
export async function retryJob(deps: JobsDeps, named: NamedJob): Promise<readonly RetryChange[]> {
  await deps.tables.require(requiredTables, 'Retrying a job')
  requireDead(named)
  const { job } = named
  const hasEventTable = await deps.tables.has('job_events')
  const request = { projectId: job.projectId, targets: [job.id], putBack: [], ids: deps.ids, hasEventTable }
  return retryJobs(deps.database, request)
}

/** Throws ORCH_CONFLICT for a job that is not failed, cancelled or skipped, or whose project is cancelled. */
export function requireDead({ job, name, project }: NamedJob): void {
  refuseCancelled(project)
  if (job.state === 'completed' && job.rehearsed) {
    throw new OrchError('ORCH_CONFLICT', `${name} completed as a rehearsal`, {
      hint: 'Put rehearsed jobs back with `orch jobs retry --rehearsed`',
    })
  }
  if (!isDead(job.state)) {
    throw new OrchError(
      'ORCH_CONFLICT',
      `${name} is ${job.state}; only failed, cancelled and skipped jobs are retried`,
      {
        hint: `See \`orch jobs why ${name}\``,
      },
    )
  }
}

/** A cancelled project starts nothing: what is brought back in it would wait for ever. */
function refuseCancelled({ slug, status }: Pick<JobProject, 'slug' | 'status'>): void {
  if (status !== 'cancelled') return
  throw new OrchError('ORCH_CONFLICT', `The project ${slug} is cancelled; nothing in it starts again`, {
    hint: `Save its plan with \`orch project export ${slug}\`, and apply that under another name`,
  })
}

/** Puts every job back that a simulated model completed, in one project or in all. */
export async function retryRehearsed(deps: JobsDeps, slug: string | null): Promise<readonly RetryChange[]> {
  await deps.tables.require(requiredTables, 'Putting rehearsed jobs back')
  const projects = await listJobProjects(deps.database.db)
  const project = slug === null ? undefined : requireProject(projects, slug)
  if (project !== undefined) refuseCancelled(project)
  const found = await listJobs(deps.database.db, { rehearsed: true, states: ['completed'], projectId: project?.id })
  const rehearsed = found.filter((job) => projects.get(job.projectId)?.status !== 'cancelled')
  const hasEventTable = await deps.tables.has('job_events')
  const changes: RetryChange[] = []
  for (const id of new Set(rehearsed.map((job) => job.projectId))) {
    const putBack = rehearsed.filter((job) => job.projectId === id).map((job) => job.id)
    const request = { projectId: id, targets: [], putBack, ids: deps.ids, hasEventTable }
    changes.push(...(await retryJobs(deps.database, request)))
  }
  return changes
}

/** Brings back every failed and cancelled job of a project and what was skipped behind them. */
export async function retryProject(deps: JobsDeps, slug: string): Promise<readonly RetryChange[]> {
  await deps.tables.require(requiredTables, 'Retrying jobs')
  const project = requireProject(await listJobProjects(deps.database.db), slug)
  refuseCancelled(project)
  const projectId = project.id
  const dead = await listJobs(deps.database.db, { projectId, states: ['failed'] })
  const hasEventTable = await deps.tables.has('job_events')
  const targets = dead.map((job) => job.id)
  return retryJobs(deps.database, { projectId, targets, putBack: [], ids: deps.ids, hasEventTable })
}

/** Cancels a job and skips what is behind it; returns the skipped jobs' ids. Throws ORCH_CONFLICT when it is over. */
export async function cancelJob(deps: JobsDeps, { job, name }: NamedJob): Promise<readonly string[]> {
  await deps.tables.require(requiredTables, 'Cancelling a job')
  const hasEventTable = await deps.tables.has('job_events')
  const report = await cancelJobRow(deps.database, { jobId: job.id, reason: 'person', ids: deps.ids, hasEventTable })
  if (report.kind === 'cancelled') return report.skipped
  throw new OrchError('ORCH_CONFLICT', `${name} is ${report.state ?? 'gone'} and cannot be cancelled`)
}

/** Keeps a job from starting until it is released. A running attempt goes on. Throws ORCH_CONFLICT when it is over. */
export async function holdJob(deps: JobsDeps, named: NamedJob, reason: string | null): Promise<void> {
  await changeHold(deps, named, { hold: 'person', reason })
}

/** Lets a held or quarantined job start again. Throws ORCH_CONFLICT when nothing holds it. */
export async function releaseJob(deps: JobsDeps, named: NamedJob): Promise<void> {
  if (named.job.hold === null) throw new OrchError('ORCH_CONFLICT', `Nothing holds ${named.name}`)
  await changeHold(deps, named, { hold: null, reason: null })
}

async function changeHold(
  deps: JobsDeps,
  { job, name }: NamedJob,
  change: { readonly hold: JobHold | null; readonly reason: string | null },
): Promise<void> {
  await deps.tables.require(['projects', 'jobs'], 'Holding or releasing a job')
  const hasEventTable = await deps.tables.has('job_events')
  const changed = await deps.database.announce(async (trx) => {
    const at = await deps.database.dialect.now(trx)
    if (!(await setHold(trx, job.id, { ...change, at }))) return false
    const kind = change.hold === null ? 'hold_released' : 'held'
    const data = change.reason === null ? {} : { reason: change.reason }
    const event = { projectId: job.projectId, jobId: job.id, attempt: null, kind, data }
    if (hasEventTable) await appendEvents(trx, [event], { ids: deps.ids, at })
    return true
  })
  if (changed) return
  const now = await findJob(deps.database.db, job.id)
  throw new OrchError('ORCH_CONFLICT', `${name} is ${now?.state ?? 'gone'}; only jobs that may still run are held`)
}
