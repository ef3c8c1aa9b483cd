/** A plan's jobs as rows: written in bulk, because a plan may hold ten thousand. */
import { sql } from 'kysely'
import { priorities, type JobState } from '../../domain/job-state.ts'
import type { JobFailure } from '../../domain/job.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { fromJson, toJson } from '../json.ts'
import type { TaskRow } from '../tables.ts'

/** A job as planning writes it; everything else about it starts at its default. */
export interface NewJob {
  readonly id: string
  readonly projectId: string
  readonly plan: PlannedJob
  readonly state: JobState
  readonly blockedBy: number
  readonly effectivePriority: number
  readonly pathLength: number
  /** The dead job that it stands behind. */
  readonly skippedBecause: string | null
}

/** A stored job as planning sees it. */
export interface StoredJob extends NewJob {
  readonly error: JobFailure | null
}

/** Rows in one statement. */
const rowsAtOnce = 1000

/** Inserts jobs in order; `atMs` is the database's time. */
export async function insertJobs(trx: Trx, jobs: readonly NewJob[], atMs: number): Promise<void> {
  for (const part of chunks(jobs, rowsAtOnce)) {
    const rows = part.map((job) => ({ ...job, ...planColumns(job.plan), maxTries: job.plan.maxTries }))
    await insertGivenJobs(trx, { given: rows, at: atMs })
  }
}

const jobColumns = {
  id: 'text',
  projectId: 'text',
  key: 'text',
  title: 'text',
  description: 'text',
  role: 'text',
  executor: 'text',
  priority: 'integer',
  spec: 'text',
  state: 'text',
  effectivePriority: 'integer',
  pathLength: 'integer',
  blockedBy: 'integer',
  maxTries: 'integer',
  skippedBecause: 'text',
} as const

/** What is not named is null: nothing has happened to the job yet. */
const insertGivenJobs = hotStatement<'given' | 'at', never>((db, slot, adapter) =>
  sql<never>`
    insert into jobs (id, project_id, key, title, description, role, executor, priority, spec, state,
      effective_priority, path_length, blocked_by, max_tries, skipped_because, run_at, created_at, updated_at,
      ready_at, finished_at, attempt, try, interruptions, rehearsed)
    select id, "projectId", key, title, description, role, executor, priority, spec, state,
      "effectivePriority", "pathLength", "blockedBy", "maxTries", "skippedBecause",
      ${slot('at')}, ${slot('at')}, ${slot('at')},
      case when state = 'ready' then cast(${slot('at')} as bigint) end,
      case when state = 'skipped' then cast(${slot('at')} as bigint) end,
      0, 1, 0, 0
    from ${adapter.givenRows(slot('given'), jobColumns)}`.compile(db),
)

export interface Edge {
  readonly jobId: string
  readonly dependsOnId: string
}

export async function insertEdges(trx: Trx, edges: readonly Edge[]): Promise<void> {
  for (const part of chunks(edges, rowsAtOnce)) await insertGivenEdges(trx, { given: part })
}

const insertGivenEdges = hotStatement<'given', never>((db, slot, adapter) =>
  sql<never>`
    insert into job_dependencies (job_id, depends_on_id)
    select "jobId", "dependsOnId" from ${adapter.givenRows(slot('given'), { jobId: 'text', dependsOnId: 'text' })}`.compile(
    db,
  ),
)

/** Removes every edge that leaves one of the project's jobs, before the new ones are written. */
export async function removeEdges(trx: Trx, projectId: string): Promise<void> {
  await trx
    .deleteFrom('job_dependencies')
    .where('job_id', 'in', (eb) => eb.selectFrom('jobs').select('id').where('project_id', '=', projectId))
    .execute()
}

/** Inserts the written tasks of the jobs; a job without any has one implicit task and no row. */
export async function insertTasks(trx: Trx, jobs: readonly Pick<NewJob, 'id' | 'plan'>[], atMs: number): Promise<void> {
  const rows = jobs.flatMap((job) =>
    job.plan.tasks.map((task, ordinal): TaskRow => {
      return { job_id: job.id, ordinal, ...task, state: 'pending', summary: null, updated_at: atMs }
    }),
  )
  for (const part of chunks(rows, rowsAtOnce)) await trx.insertInto('tasks').values(part).execute()
}

export async function removeTasks(trx: Trx, jobIds: readonly string[]): Promise<void> {
  for (const part of chunks(jobIds, rowsAtOnce)) await trx.deleteFrom('tasks').where('job_id', 'in', part).execute()
}

/** The project's jobs in the order of the plan. */
export async function readStoredJobs(db: Db, projectId: string): Promise<readonly StoredJob[]> {
  const rows = await db
    .selectFrom('jobs')
    .select(['id', 'project_id', 'spec', 'state', 'blocked_by', 'effective_priority', 'path_length'])
    .select(['skipped_because', 'error'])
    .where('project_id', '=', projectId)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    projectId: row.project_id,
    plan: fromJson<PlannedJob>(row.spec),
    state: row.state,
    blockedBy: row.blocked_by,
    effectivePriority: row.effective_priority,
    pathLength: row.path_length,
    skippedBecause: row.skipped_because,
    error: fromJson<JobFailure>(row.error),
  }))
}

/** Locks the project's jobs until the transaction ends, in the order in which everything else locks them. */
export async function lockJobs(trx: Trx, projectId: string, lockRows: boolean): Promise<void> {
  if (!lockRows) return
  await trx.selectFrom('jobs').select('id').where('project_id', '=', projectId).orderBy('id').forUpdate().execute()
}

/** What a change of the plan does to a stored job. */
export interface JobChange {
  readonly id: string
  readonly plan: PlannedJob
  readonly state: JobState
  readonly blockedBy: number
  readonly effectivePriority: number
  readonly pathLength: number
  readonly skippedBecause: string | null
  readonly error: JobFailure | null
  /** By how much the plan's `max_tries` grew; added, because a retry may have raised the row's own number. */
  readonly moreTries: number
  /** The job leaves its old state, so that its times start anew. */
  readonly moved: boolean
}

export async function updateJob(trx: Trx, change: JobChange, atMs: number): Promise<void> {
  const times = {
    ready_at: change.state === 'ready' ? atMs : null,
    finished_at: change.state === 'skipped' || change.state === 'cancelled' ? atMs : null,
  }
  await trx
    .updateTable('jobs')
    .set({
      ...planColumns(change.plan),
      state: change.state,
      blocked_by: change.blockedBy,
      effective_priority: change.effectivePriority,
      path_length: change.pathLength,
      skipped_because: change.skippedBecause,
      error: change.error === null ? null : toJson(change.error),
      max_tries: sql<number>`max_tries + ${change.moreTries}`,
      updated_at: atMs,
      ...(change.moved ? { ...times, waits_for: null } : {}),
    })
    .where('id', '=', change.id)
    .execute()
}

/** Cancels what has not ended and returns it; a running job's scheduler notices and stops the work. */
export async function cancelOpenJobs(trx: Trx, projectId: string, atMs: number) {
  // The lease stays: until it passes, the locks of a worker that has not noticed yet stay too.
  return trx
    .updateTable('jobs')
    .set({ state: 'cancelled', finished_at: atMs, updated_at: atMs, waits_for: null })
    .where('project_id', '=', projectId)
    .where('state', 'in', ['blocked', 'ready', 'running'])
    .returning(['id', 'key'])
    .execute()
}

/** Ends the open attempts of cancelled jobs for the database. */
export async function endAttempts(trx: Trx, jobIds: readonly string[], atMs: number): Promise<void> {
  for (const part of chunks(jobIds, rowsAtOnce)) {
    await trx
      .updateTable('attempts')
      .set({ ended_at: atMs, outcome: 'cancelled' })
      .where('ended_at', 'is', null)
      .where('job_id', 'in', part)
      .execute()
  }
}

function planColumns(plan: PlannedJob) {
  return {
    key: plan.key,
    title: plan.title,
    description: plan.description,
    role: plan.role,
    executor: plan.executor,
    priority: priorities[plan.priority],
    spec: toJson(plan),
  }
}

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
