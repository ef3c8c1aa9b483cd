/** A plan becomes rows: all of them in one transaction, or none. */
import type { Database } from '../database/connection.ts'
import type { Trx } from '../database/dialect/dialect.ts'
import { appendEvents } from '../database/repositories/event-repository.ts'
import { insertEdges, insertJobs, insertTasks, type NewJob } from '../database/repositories/plan-repository.ts'
import { findProject, insertProject, listSlugs } from '../database/repositories/project-repository.ts'
import type { TableName } from '../database/tables.ts'
import { priorities } from '../domain/job-state.ts'
import { pathLengths } from '../domain/plan-graph.ts'
import { planHash } from '../domain/plan-hash.ts'
import type { Plan } from '../domain/plan.ts'
import type { Project } from '../domain/project.ts'
import { freeSlug } from '../domain/slug.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Ids } from '../runtime/ids.ts'
import { cleanText } from './clean-text.ts'
import { inheritedPriorities } from './inherited-priorities.ts'

export interface StoreDeps {
  readonly database: Database
  readonly tables: {
    has(table: TableName): Promise<boolean>
    missing(tables: readonly TableName[]): Promise<readonly TableName[]>
    require(tables: readonly TableName[], neededFor: string): Promise<void>
  }
  readonly ids: Ids
}

/** Without these a plan cannot be stored; everything else about it degrades. */
export const planTables = ['projects', 'jobs', 'job_dependencies'] as const satisfies readonly TableName[]

export interface StoreOptions {
  /** Absolute path. */
  readonly workspace: string
  /** Who approves the plan with this very act; null stores a draft. */
  readonly approvedBy: string | null
  /** What to do when the slug is taken: refuse, or add `-2`, `-3`, ... */
  readonly onTakenSlug: 'refuse' | 'suffix'
}

export interface StoredPlan {
  readonly project: Project
  /** The plan as stored: with its slug and its workspace. */
  readonly plan: Plan
}

/** Rounds against others who take the same free slug at the same moment. */
const slugRounds = 5

/**
 * Stores a valid plan as a new project: row, jobs with their counters, tasks, dependencies, one event.
 * Throws ORCH_TABLE_MISSING without the tables it needs and ORCH_CONFLICT when the slug is taken and must
 * not be changed; then nothing is stored.
 */
export async function storePlan(deps: StoreDeps, plan: Plan, options: StoreOptions): Promise<StoredPlan> {
  await deps.tables.require(planTables, 'Storing a plan')
  const extras = { tasks: await deps.tables.has('tasks'), events: await deps.tables.has('job_events') }
  for (let round = 1; ; round++) {
    try {
      return await deps.database.announce((trx) => storeIn(trx, { deps, plan, options, extras }))
    } catch (error) {
      if (deps.database.dialect.classify(error) !== 'duplicate') throw error
      if (options.onTakenSlug === 'suffix' && round < slugRounds) continue
      throw (await findProject(deps.database.db, plan.project)) === undefined ? error : slugTaken(plan.project, error)
    }
  }
}

interface Storing {
  readonly deps: StoreDeps
  readonly plan: Plan
  readonly options: StoreOptions
  readonly extras: { readonly tasks: boolean; readonly events: boolean }
}

async function storeIn(trx: Trx, storing: Storing): Promise<StoredPlan> {
  const { deps, options, extras } = storing
  const atMs = await deps.database.dialect.now(trx)
  const slug = await chooseSlug(trx, storing.plan.project, options.onTakenSlug)
  const plan = cleanText({ ...storing.plan, project: slug, workspace: options.workspace })
  const project = newProject(plan, { id: deps.ids.next(), atMs, options })
  const jobs = newJobs(plan, project.id, deps.ids)
  await insertProject(trx, project)
  await insertJobs(trx, jobs, atMs)
  await insertEdges(trx, edgesOf(jobs))
  if (extras.tasks) await insertTasks(trx, jobs, atMs)
  if (extras.events) {
    const data = { jobs: jobs.length, planHash: project.planHash, approvedBy: project.approvedBy }
    const event = { projectId: project.id, jobId: null, attempt: null, kind: 'project.stored', data }
    await appendEvents(trx, [event], { ids: deps.ids, at: atMs })
  }
  return { project, plan }
}

async function chooseSlug(trx: Trx, wanted: string, onTaken: StoreOptions['onTakenSlug']): Promise<string> {
  const taken = await listSlugs(trx, wanted)
  if (onTaken === 'refuse' && taken.has(wanted)) throw slugTaken(wanted)
  return freeSlug(wanted, taken)
}

function slugTaken(slug: string, cause?: unknown): OrchError {
  return new OrchError('ORCH_CONFLICT', `There is a project ${slug} already`, {
    hint: `Choose another one with --name, or change the existing plan: \`orch project export ${slug}\` and \`orch project apply <file>\``,
    cause,
  })
}

interface NewProject {
  readonly id: string
  readonly atMs: number
  readonly options: StoreOptions
}

function newProject(plan: Plan, { id, atMs, options }: NewProject): Project {
  const hash = planHash(plan)
  const approved = options.approvedBy !== null
  return {
    id,
    slug: plan.project,
    goal: plan.goal,
    status: approved ? 'active' : 'draft',
    workspace: options.workspace,
    budgetMicroUsd: plan.budgetMicroUsd,
    commands: plan.commands,
    planHash: hash,
    approvedHash: approved ? hash : null,
    approvedAt: approved ? atMs : null,
    approvedBy: options.approvedBy,
    createdAt: atMs,
    updatedAt: atMs,
  }
}

/** Rows for the plan's jobs, ids in the order of the plan, ready where nothing has to happen before. */
function newJobs(plan: Plan, projectId: string, ids: Ids): readonly NewJob[] {
  const lengths = pathLengths(plan.jobs)
  const inherited = inheritedPriorities(plan)
  return plan.jobs.map((job) => ({
    id: ids.next(),
    projectId,
    plan: job,
    state: job.dependsOn.length === 0 ? 'ready' : 'blocked',
    blockedBy: job.dependsOn.length,
    effectivePriority: inherited.get(job.key) ?? priorities[job.priority],
    pathLength: lengths.get(job.key) ?? 1,
    skippedBecause: null,
  }))
}

/** The dependencies as pairs of ids. */
export function edgesOf(
  jobs: readonly Pick<NewJob, 'id' | 'plan'>[],
): readonly { readonly jobId: string; readonly dependsOnId: string }[] {
  const idOf = new Map(jobs.map((job) => [job.plan.key, job.id]))
  return jobs.flatMap((job) =>
    job.plan.dependsOn.flatMap((key) => {
      const dependsOnId = idOf.get(key)
      return dependsOnId === undefined ? [] : [{ jobId: job.id, dependsOnId }]
    }),
  )
}
