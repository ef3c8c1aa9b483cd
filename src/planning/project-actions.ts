/** What a person does to a project as a whole. Each action is one transaction and leaves one event. */
import type { Trx } from '../database/dialect/dialect.ts'
import { appendEvents, type NewJobEvent } from '../database/repositories/event-repository.ts'
import { cancelOpenJobs, endAttempts, lockJobs, readStoredJobs } from '../database/repositories/plan-repository.ts'
import { listSlugs, lockProject, replaceProject } from '../database/repositories/project-repository.ts'
import { planHash } from '../domain/plan-hash.ts'
import { isApproved, type Project } from '../domain/project.ts'
import { OrchError } from '../errors/orch-error.ts'
import { isSuperseded } from './revise-plan.ts'
import type { StoreDeps } from './store-plan.ts'
import { noProject, toPlan } from './stored-plan.ts'

export interface Changed {
  readonly project: Project
  /** False when the project was like that already. */
  readonly changed: boolean
}

/**
 * Approves the plan with the hash that the person was shown. Throws ORCH_CONFLICT when the plan changed
 * meanwhile, when its rows are not what the hash says, or when the project is cancelled.
 */
export async function approveProject(
  deps: StoreDeps,
  slug: string,
  approval: { readonly planHash: string; readonly approvedBy: string },
): Promise<Changed> {
  return change(deps, slug, async (trx, project) => {
    if (project.status === 'cancelled') throw conflict(project, 'is cancelled and cannot be approved')
    const jobs = (await readStoredJobs(trx, project.id)).filter((job) => !isSuperseded(job))
    if (jobs.length === 0) {
      throw conflict(project, 'has no jobs: there is nothing to approve', `orch project export ${slug}`)
    }
    const actual = planHash(toPlan(project, jobs))
    if (actual !== project.planHash) {
      throw conflict(
        project,
        'was changed outside of orch: its rows are not the plan that was stored',
        `orch project export ${slug}`,
      )
    }
    if (project.planHash !== approval.planHash) {
      throw conflict(project, 'was changed while you looked at it', `orch project show ${slug}`)
    }
    if (isApproved(project) && project.status !== 'draft') return null
    const atMs = await deps.database.dialect.now(trx)
    return {
      status: project.status === 'paused' ? 'paused' : 'active',
      approvedHash: project.planHash,
      approvedAt: atMs,
      approvedBy: approval.approvedBy,
    }
  })
}

/** Starts nothing more of the project; running jobs finish. Throws ORCH_CONFLICT unless it is approved. */
export async function pauseProject(deps: StoreDeps, slug: string): Promise<Changed> {
  return change(deps, slug, async (_trx, project) => {
    if (project.status === 'paused') return null
    if (project.status !== 'active') throw conflict(project, `is ${project.status}: there is nothing to pause`)
    return { status: 'paused' }
  })
}

/** Lets a paused project go on. Throws ORCH_CONFLICT when it is not approved, or cancelled. */
export async function resumeProject(deps: StoreDeps, slug: string): Promise<Changed> {
  return change(deps, slug, async (_trx, project) => {
    if (project.status === 'active') return null
    if (!isApproved(project)) throw conflict(project, 'is not approved', `orch project approve ${slug}`)
    if (project.status !== 'paused') throw conflict(project, `is ${project.status}: there is nothing to resume`)
    return { status: 'active' }
  })
}

export interface CancelledProject extends Changed {
  /** Keys of the jobs that this cancelled. */
  readonly jobs: readonly string[]
}

/**
 * Cancels the project and every job that has not ended; running work is stopped by its scheduler. Final: done again,
 * it cancels what `jobs retry` brought back since.
 */
export async function cancelProject(deps: StoreDeps, slug: string, reason: string): Promise<CancelledProject> {
  await deps.tables.require(['projects', 'jobs'], 'Cancelling a project')
  const hasAttempts = await deps.tables.has('attempts')
  const hasEvents = await deps.tables.has('job_events')
  return deps.database.announce(async (trx) => {
    const project = await lock(trx, slug)
    await lockJobs(trx, project.id, deps.database.dialect.skipsLocked)
    const atMs = await deps.database.dialect.now(trx)
    const cancelled = await cancelOpenJobs(trx, project.id, atMs)
    const isNew = project.status !== 'cancelled'
    if (!isNew && cancelled.length === 0) return { project, changed: false, jobs: [] }
    const ids = cancelled.map(({ id }) => id)
    if (hasAttempts) await endAttempts(trx, ids, atMs)
    const next: Project = { ...project, status: 'cancelled', updatedAt: atMs }
    await replaceProject(trx, next)
    const about = { projectId: project.id, attempt: null, data: { reason } }
    const events: NewJobEvent[] = [
      ...(isNew ? [{ ...about, jobId: null, kind: 'project.cancelled' }] : []),
      ...ids.map((jobId) => ({ ...about, jobId, kind: 'cancelled' })),
    ]
    if (hasEvents) await appendEvents(trx, events, { ids: deps.ids, at: atMs })
    return { project: next, changed: true, jobs: cancelled.map(({ key }) => key) }
  })
}

type Edit = (trx: Trx, project: Project) => Promise<Partial<Project> | null>

/** Locks the project, asks what becomes of it, and writes that with an event; null is no change. */
async function change(deps: StoreDeps, slug: string, edit: Edit): Promise<Changed> {
  await deps.tables.require(['projects', 'jobs'], 'Changing a project')
  const hasEvents = await deps.tables.has('job_events')
  return deps.database.announce(async (trx) => {
    const project = await lock(trx, slug)
    const edited = await edit(trx, project)
    if (edited === null) return { project, changed: false }
    const atMs = await deps.database.dialect.now(trx)
    const next = { ...project, ...edited, updatedAt: atMs }
    await replaceProject(trx, next)
    if (hasEvents) {
      const data = { from: project.status, to: next.status, approvedBy: next.approvedBy }
      const event = { projectId: project.id, jobId: null, attempt: null, kind: `project.${next.status}`, data }
      await appendEvents(trx, [event], { ids: deps.ids, at: atMs })
    }
    return { project: next, changed: true }
  })
}

async function lock(trx: Trx, slug: string): Promise<Project> {
  const project = await lockProject(trx, slug)
  if (project === undefined) throw noProject(slug, await listSlugs(trx))
  return project
}

function conflict(project: Project, what: string, next?: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `The project ${project.slug} ${what}`, {
    hint: next === undefined ? undefined : `Next: ${next}`,
  })
}
