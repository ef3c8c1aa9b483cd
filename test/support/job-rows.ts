import { fromJson, toJson } from '../../src/database/json.ts'
import type { Database } from '../../src/database/connection.ts'
import type { JobRow, ProjectRow } from '../../src/database/tables.ts'
import { effectivePriorities, pathLengths } from '../../src/domain/plan-graph.ts'
import { priorities } from '../../src/domain/job-state.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import { aJob } from './plan-builder.ts'

export interface ProjectRows {
  readonly slug?: string
  readonly jobs: readonly (Partial<PlannedJob> & { readonly key: string })[]
  readonly project?: Partial<ProjectRow>
  /** Overrides per job key. */
  readonly rows?: Readonly<Record<string, Partial<JobRow>>>
  readonly createdAt?: number
}

/** Fits the smallest number of bound values that an engine takes: 32,766 of them. */
const rowsAtOnce = 500

/** Stores an approved project with its jobs, in one transaction; a job's id is `<slug>-<key>`. */
export async function storeRows(database: Pick<Database, 'write'>, input: ProjectRows): Promise<void> {
  const slug = input.slug ?? 'sample'
  const at = input.createdAt ?? 1000
  const plans = input.jobs.map((job) => aJob(job))
  const nodes = plans.map(({ key, dependsOn, priority }) => ({ key, dependsOn, priority: priorities[priority] }))
  const lengths = pathLengths(nodes)
  const inherited = effectivePriorities(nodes)
  const jobs = plans.map((plan): JobRow => {
    const row = jobRow(plan, { slug, at })
    const path_length = lengths.get(plan.key) ?? 1
    const effective_priority = inherited.get(plan.key) ?? row.priority
    return { ...row, path_length, effective_priority, ...input.rows?.[plan.key] }
  })
  const edges = plans.flatMap((plan) =>
    plan.dependsOn.map((key) => ({ job_id: `${slug}-${plan.key}`, depends_on_id: `${slug}-${key}` })),
  )
  await database.write(async (trx) => {
    await trx
      .insertInto('projects')
      .values(projectRow(slug, at, input.project))
      .execute()
    for (const some of chunks(jobs)) await trx.insertInto('jobs').values(some).execute()
    for (const some of chunks(edges)) await trx.insertInto('job_dependencies').values(some).execute()
  })
}

function chunks<T>(rows: readonly T[]): T[][] {
  const count = Math.ceil(rows.length / rowsAtOnce)
  return Array.from({ length: count }, (_, index) => rows.slice(index * rowsAtOnce, (index + 1) * rowsAtOnce))
}

/** An approved, active project. */
export function projectRow(slug: string, at: number, overrides: Partial<ProjectRow> = {}): ProjectRow {
  return {
    id: slug,
    slug,
    goal: `The goal of ${slug}`,
    status: 'active',
    workspace: `/srv/${slug}`,
    budget_micro_usd: null,
    commands: '[]',
    plan_hash: 'hash',
    approved_hash: 'hash',
    approved_at: at,
    approved_by: 'person',
    created_at: at,
    updated_at: at,
    ...overrides,
  }
}

function jobRow(plan: PlannedJob, { slug, at }: { readonly slug: string; readonly at: number }): JobRow {
  const blocked = plan.dependsOn.length > 0
  const priority = priorities[plan.priority]
  return {
    id: `${slug}-${plan.key}`,
    project_id: slug,
    key: plan.key,
    title: plan.title,
    description: plan.description,
    role: plan.role,
    executor: plan.executor,
    state: blocked ? 'blocked' : 'ready',
    hold: null,
    hold_reason: null,
    priority,
    effective_priority: priority,
    path_length: 1,
    run_at: at,
    ready_at: blocked ? null : at,
    blocked_by: plan.dependsOn.length,
    attempt: 0,
    try: 1,
    max_tries: plan.maxTries,
    interruptions: 0,
    lease_owner: null,
    lease_expires_at: null,
    waits_for: null,
    spec: toJson(plan),
    result: null,
    error: null,
    skipped_because: null,
    rehearsed: 0,
    created_at: at,
    updated_at: at,
    started_at: null,
    finished_at: null,
  }
}

/** State by key of every job, for comparison in one expectation. */
export async function statesByKey({ db }: Database): Promise<Record<string, string>> {
  const rows = await db.selectFrom('jobs').select(['key', 'state']).orderBy('key').execute()
  return Object.fromEntries(rows.map((row) => [row.key, row.state]))
}

/** Kinds of events in the order they were written, with the key of their job. */
export async function eventKinds({ db }: Database): Promise<string[]> {
  const rows = await db
    .selectFrom('job_events')
    .leftJoin('jobs', 'jobs.id', 'job_events.job_id')
    .select(['job_events.kind', 'jobs.key', 'job_events.data'])
    .orderBy('job_events.id')
    .execute()
  return rows.map((row) => {
    const { because } = fromJson<{ because?: string }>(row.data)
    return `${row.key ?? '-'} ${row.kind}${because === undefined ? '' : ` because ${because}`}`
  })
}
