import type { JobState } from '../../domain/job-state.ts'
import type { Argv } from '../../domain/plan.ts'
import type { JobCounts, Project } from '../../domain/project.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import type { ProjectRow } from '../tables.ts'

/** Every project, oldest first. */
export async function listProjects(db: Db): Promise<readonly Project[]> {
  const rows = await db.selectFrom('projects').selectAll().orderBy('id').execute()
  return rows.map(toProject)
}

/** The project with the slug, or undefined. */
export async function findProject(db: Db, slug: string): Promise<Project | undefined> {
  const row = await db.selectFrom('projects').selectAll().where('slug', '=', slug).executeTakeFirst()
  return row === undefined ? undefined : toProject(row)
}

/** Every slug, or those that are `base` or begin with `base-`. */
export async function listSlugs(db: Db | Trx, base?: string): Promise<ReadonlySet<string>> {
  let query = db.selectFrom('projects').select('slug')
  // A slug holds no wildcard of LIKE.
  if (base !== undefined) query = query.where((eb) => eb.or([eb('slug', '=', base), eb('slug', 'like', `${base}-%`)]))
  const rows = await query.execute()
  return new Set(rows.map(({ slug }) => slug))
}

/** Those of the ids that belong to a project. */
export async function knownProjectIds(db: Db | Trx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db.selectFrom('projects').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map(({ id }) => id))
}

export async function insertProject(trx: Trx, project: Project): Promise<void> {
  await trx.insertInto('projects').values(toRow(project)).execute()
}

/** Replaces the row; the id names it. */
export async function replaceProject(trx: Trx, project: Project): Promise<void> {
  const { id, ...columns } = toRow(project)
  await trx.updateTable('projects').set(columns).where('id', '=', id).execute()
}

/** The project under a lock that lasts until the transaction ends, so that two people cannot change it at once. */
export async function lockProject(trx: Trx, slug: string): Promise<Project | undefined> {
  // An update, not `select for update`: both engines then take the same path.
  const row = await trx
    .updateTable('projects')
    .set((eb) => ({ updated_at: eb.ref('updated_at') }))
    .where('slug', '=', slug)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : toProject(row)
}

/** How many jobs each project has in each state. */
export async function countJobs(db: Db): Promise<ReadonlyMap<string, JobCounts>> {
  const rows = await db
    .selectFrom('jobs')
    .select((eb) => ['project_id', 'state', eb.fn.countAll<number>().as('jobs')])
    .groupBy(['project_id', 'state'])
    .execute()
  const counts = new Map<string, Partial<Record<JobState, number>>>()
  for (const { project_id, state, jobs } of rows) {
    counts.set(project_id, { ...counts.get(project_id), [state]: Number(jobs) })
  }
  return counts
}

/** Money spent per project, in micro-dollars: known costs, and how many calls have an unknown one. */
export async function sumSpend(
  db: Db,
): Promise<ReadonlyMap<string, { readonly microUsd: number; readonly unknown: number }>> {
  const rows = await db
    .selectFrom('model_usage')
    .select((eb) => [
      'project_id',
      eb.fn.sum<number | null>('cost_micro_usd').as('cost'),
      eb.fn.countAll<number>().as('calls'),
      eb.fn.count<number>('cost_micro_usd').as('priced'),
    ])
    .where('project_id', 'is not', null)
    .where('source', '<>', 'simulated')
    .groupBy('project_id')
    .execute()
  return new Map(
    rows.map(({ project_id, cost, calls, priced }) => [
      project_id ?? '',
      { microUsd: Number(cost ?? 0), unknown: Number(calls) - Number(priced) },
    ]),
  )
}

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    slug: row.slug,
    goal: row.goal,
    status: row.status,
    workspace: row.workspace,
    budgetMicroUsd: row.budget_micro_usd,
    commands: fromJson<Argv[]>(row.commands),
    planHash: row.plan_hash,
    approvedHash: row.approved_hash,
    approvedAt: row.approved_at,
    approvedBy: row.approved_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toRow(project: Project): ProjectRow {
  return {
    id: project.id,
    slug: project.slug,
    goal: project.goal,
    status: project.status,
    workspace: project.workspace,
    budget_micro_usd: project.budgetMicroUsd,
    commands: toJson(project.commands),
    plan_hash: project.planHash,
    approved_hash: project.approvedHash,
    approved_at: project.approvedAt,
    approved_by: project.approvedBy,
    created_at: project.createdAt,
    updated_at: project.updatedAt,
  }
}
