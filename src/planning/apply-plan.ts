/** A plan file becomes the project's plan: a new project, no change, or a revision of what is stored. */
import type { Trx } from '../database/dialect/dialect.ts'
import { appendEvents, type NewJobEvent } from '../database/repositories/event-repository.ts'
import {
  endAttempts,
  insertEdges,
  insertJobs,
  insertTasks,
  lockJobs,
  readStoredJobs,
  removeEdges,
  removeTasks,
  updateJob,
} from '../database/repositories/plan-repository.ts'
import { findProject, lockProject, replaceProject } from '../database/repositories/project-repository.ts'
import { planHash } from '../domain/plan-hash.ts'
import type { Plan } from '../domain/plan.ts'
import { isApproved, type Project } from '../domain/project.ts'
import { OrchError } from '../errors/orch-error.ts'
import { cleanText } from './clean-text.ts'
import { revisePlan, type Revision } from './revise-plan.ts'
import { edgesOf, planTables, storePlan, type StoreDeps } from './store-plan.ts'

export interface ApplyOptions {
  /** Absolute path; null keeps the stored project's, and is refused for a new project. */
  readonly workspace: string
  readonly approvedBy: string | null
}

export type Applied =
  | { readonly kind: 'created'; readonly project: Project; readonly plan: Plan }
  | { readonly kind: 'unchanged'; readonly project: Project; readonly plan: Plan }
  | {
      readonly kind: 'changed'
      readonly project: Project
      readonly plan: Plan
      readonly added: readonly string[]
      readonly changed: readonly string[]
      readonly removed: readonly string[]
      readonly keptAsTheyWere: readonly string[]
    }

/**
 * Applies a valid plan in one transaction. A changed plan makes the project a draft again unless a person
 * approves with this act; running jobs finish. Applying the same plan twice changes nothing. Throws
 * ORCH_TABLE_MISSING without its tables, ORCH_CONFLICT for a cancelled project.
 */
export async function applyPlan(deps: StoreDeps, plan: Plan, options: ApplyOptions): Promise<Applied> {
  await deps.tables.require(planTables, 'Applying a plan')
  if ((await findProject(deps.database.db, plan.project)) === undefined) {
    return { kind: 'created', ...(await storePlan(deps, plan, { ...options, onTakenSlug: 'refuse' })) }
  }
  const present = {
    tasks: await deps.tables.has('tasks'),
    events: await deps.tables.has('job_events'),
    attempts: await deps.tables.has('attempts'),
  }
  const stored = cleanText({ ...plan, workspace: options.workspace })
  return deps.database.announce((trx) => new Application(trx, { deps, plan: stored, options, present }).run())
}

interface Parts {
  readonly deps: StoreDeps
  readonly plan: Plan
  readonly options: ApplyOptions
  readonly present: { readonly tasks: boolean; readonly events: boolean; readonly attempts: boolean }
}

class Application {
  readonly #trx: Trx
  readonly #parts: Parts

  constructor(trx: Trx, parts: Parts) {
    this.#trx = trx
    this.#parts = parts
  }

  async run(): Promise<Applied> {
    const { deps, plan, options } = this.#parts
    const project = await this.#lock()
    const revision = revisePlan(await readStoredJobs(this.#trx, project.id), plan, () => deps.ids.next())
    const hash = planHash(plan)
    const rewritten = revision.added.length + revision.changed.length > 0
    if (hash === project.planHash && !rewritten && (options.approvedBy === null || isApproved(project))) {
      return { kind: 'unchanged', project, plan }
    }
    const atMs = await deps.database.dialect.now(this.#trx)
    const next = revisedProject(project, { plan, hash, atMs, approvedBy: options.approvedBy })
    await replaceProject(this.#trx, next)
    await this.#writeJobs(revision, project.id, atMs)
    await this.#record(next, revision, atMs)
    if (hash === project.planHash) return { kind: 'unchanged', project: next, plan }
    return { kind: 'changed', project: next, plan, ...keysOf(revision) }
  }

  async #lock(): Promise<Project> {
    const { deps, plan } = this.#parts
    const project = await lockProject(this.#trx, plan.project)
    if (project === undefined || project.status === 'cancelled') {
      throw new OrchError('ORCH_CONFLICT', `The project ${plan.project} is cancelled`, {
        hint: 'Give the plan another project name, and apply it as a new project',
      })
    }
    await lockJobs(this.#trx, project.id, deps.database.dialect.skipsLocked)
    return project
  }

  async #writeJobs(revision: Revision, projectId: string, atMs: number): Promise<void> {
    const { plan, present } = this.#parts
    const added = revision.added.map((job) => ({ ...job, projectId }))
    await insertJobs(this.#trx, added, atMs)
    for (const change of revision.changed) await updateJob(this.#trx, change, atMs)
    const ended = revision.changed.filter((change) => change.state === 'cancelled' && change.moved)
    if (present.attempts)
      await endAttempts(
        this.#trx,
        ended.map(({ id }) => id),
        atMs,
      )
    if (present.tasks) {
      const retasked = new Set(revision.retasked)
      await removeTasks(this.#trx, revision.retasked)
      const rewritten = revision.changed.filter(({ id }) => retasked.has(id))
      await insertTasks(this.#trx, [...added, ...rewritten], atMs)
    }
    await removeEdges(this.#trx, projectId)
    const wanted = new Set(plan.jobs.map(({ key }) => key))
    const jobs = await readStoredJobs(this.#trx, projectId)
    await insertEdges(this.#trx, edgesOf(jobs.filter((job) => wanted.has(job.plan.key))))
  }

  async #record(project: Project, revision: Revision, atMs: number): Promise<void> {
    const { deps, present } = this.#parts
    if (!present.events) return
    const about = { projectId: project.id, attempt: null }
    const data = { ...keysOf(revision), planHash: project.planHash, approvedBy: project.approvedBy }
    const cancelled = revision.changed.filter((change) => change.state === 'cancelled' && change.moved)
    const events: NewJobEvent[] = [
      { ...about, jobId: null, kind: 'project.applied', data },
      ...cancelled.map(({ id }) => ({ ...about, jobId: id, kind: 'cancelled', data: { reason: 'superseded' } })),
    ]
    await appendEvents(this.#trx, events, { ids: deps.ids, at: atMs })
  }
}

function keysOf(revision: Revision) {
  const removed = new Set(revision.removedKeys)
  return {
    added: revision.added.map(({ plan }) => plan.key),
    changed: revision.changed.map(({ plan }) => plan.key).filter((key) => !removed.has(key)),
    removed: revision.removedKeys,
    keptAsTheyWere: revision.keptAsTheyWere,
  }
}

interface Revised {
  readonly plan: Plan
  readonly hash: string
  readonly atMs: number
  readonly approvedBy: string | null
}

function revisedProject(project: Project, { plan, hash, atMs, approvedBy }: Revised): Project {
  const facts = {
    goal: plan.goal,
    workspace: plan.workspace ?? project.workspace,
    budgetMicroUsd: plan.budgetMicroUsd,
    commands: plan.commands,
    planHash: hash,
    updatedAt: atMs,
  }
  if (approvedBy !== null) {
    const status = project.status === 'paused' ? 'paused' : 'active'
    return { ...project, ...facts, status, approvedHash: hash, approvedAt: atMs, approvedBy }
  }
  if (hash === project.planHash) return { ...project, ...facts }
  return { ...project, ...facts, status: 'draft', approvedHash: null, approvedAt: null, approvedBy: null }
}
