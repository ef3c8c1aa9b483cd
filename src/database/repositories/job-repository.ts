import type { JobHold, JobState } from '../../domain/job-state.ts'
import type { Job } from '../../domain/job.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { toJob } from './job-row.ts'

export interface JobFilter {
  readonly projectId?: string
  readonly states?: readonly JobState[]
  readonly role?: string
  readonly rehearsed?: boolean
  readonly limit?: number
}

/** Jobs in the order of their plans, older projects first: ids sort by creation. */
export async function listJobs(db: Db, filter: JobFilter = {}): Promise<Job[]> {
  let query = db.selectFrom('jobs').selectAll().orderBy('project_id').orderBy('id')
  if (filter.projectId !== undefined) query = query.where('project_id', '=', filter.projectId)
  if (filter.states !== undefined) query = query.where('state', 'in', [...filter.states])
  if (filter.role !== undefined) query = query.where('role', '=', filter.role)
  if (filter.rehearsed !== undefined) query = query.where('rehearsed', '=', filter.rehearsed ? 1 : 0)
  if (filter.limit !== undefined) query = query.limit(filter.limit)
  return (await query.execute()).map(toJob)
}

/** One job, or undefined. */
export async function findJob(db: Db, id: string): Promise<Job | undefined> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toJob(row)
}

/** The job with this key in the project with this slug. */
export async function findJobByKey(db: Db, slug: string, key: string): Promise<Job | undefined> {
  const row = await db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .selectAll('jobs')
    .where('projects.slug', '=', slug)
    .where('jobs.key', '=', key)
    .executeTakeFirst()
  return row === undefined ? undefined : toJob(row)
}

/** Jobs whose id ends so; at most `limit`. The suffix holds hexadecimal digits and hyphens only. */
export async function findJobsBySuffix(db: Db, suffix: string, limit: number): Promise<Job[]> {
  const rows = await db
    .selectFrom('jobs')
    .selectAll()
    .where('id', 'like', `%${suffix}`)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(toJob)
}

const namesAtOnce = 5000

/** `<project>/<key>` by id; jobs without a project are left out. */
export async function readJobNames(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (let start = 0; start < ids.length; start += namesAtOnce) {
    const rows = await db
      .selectFrom('jobs')
      .innerJoin('projects', 'projects.id', 'jobs.project_id')
      .select(['jobs.id', 'jobs.key', 'projects.slug'])
      .where('jobs.id', 'in', ids.slice(start, start + namesAtOnce))
      .execute()
    for (const { id, slug, key } of rows) names.set(id, `${slug}/${key}`)
  }
  return names
}

/** What the scheduler and the lists need of a project. */
export interface JobProject {
  readonly id: string
  readonly slug: string
  readonly status: 'draft' | 'active' | 'paused' | 'cancelled'
  readonly workspace: string
  readonly approved: boolean
}

/** Every project, by id. */
export async function listJobProjects(db: Db): Promise<Map<string, JobProject>> {
  const rows = await db
    .selectFrom('projects')
    .select(['id', 'slug', 'status', 'workspace', 'plan_hash', 'approved_hash'])
    .orderBy('id')
    .execute()
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        slug: row.slug,
        status: row.status,
        workspace: row.workspace,
        approved: row.approved_hash !== null && row.approved_hash === row.plan_hash,
      },
    ]),
  )
}

/** A job's direct dependencies. */
export async function listDependencies(db: Db, jobId: string): Promise<Job[]> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('job_dependencies', 'job_dependencies.depends_on_id', 'jobs.id')
    .selectAll('jobs')
    .where('job_dependencies.job_id', '=', jobId)
    .orderBy('jobs.id')
    .execute()
  return rows.map(toJob)
}

/** The jobs that directly depend on a job. */
export async function listDependants(db: Db, jobId: string): Promise<Job[]> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('job_dependencies', 'job_dependencies.job_id', 'jobs.id')
    .selectAll('jobs')
    .where('job_dependencies.depends_on_id', '=', jobId)
    .orderBy('jobs.id')
    .execute()
  return rows.map(toJob)
}

/** A job that has not completed and that another one waits for. */
export interface OpenDependency {
  readonly id: string
  readonly projectId: string
  readonly key: string
  readonly state: JobState
}

/** What each blocked job in the scope waits for, by its id, in one read. */
export async function listOpenDependencies(
  db: Db,
  scope: { readonly projectId?: string; readonly jobId?: string },
): Promise<Map<string, readonly OpenDependency[]>> {
  let query = db
    .selectFrom('jobs')
    .innerJoin('job_dependencies', 'job_dependencies.job_id', 'jobs.id')
    .innerJoin('jobs as parents', 'parents.id', 'job_dependencies.depends_on_id')
    .select(['jobs.id as job_id', 'parents.id', 'parents.project_id', 'parents.key', 'parents.state'])
    .where('jobs.state', '=', 'blocked')
    .where('parents.state', '<>', 'completed')
    .orderBy('parents.id')
  if (scope.projectId !== undefined) query = query.where('jobs.project_id', '=', scope.projectId)
  if (scope.jobId !== undefined) query = query.where('jobs.id', '=', scope.jobId)
  const open = new Map<string, OpenDependency[]>()
  for (const { job_id, project_id, ...row } of await query.execute()) {
    const known = open.get(job_id)
    const dependency = { ...row, projectId: project_id }
    if (known === undefined) open.set(job_id, [dependency])
    else known.push(dependency)
  }
  return open
}

/** Sets or clears a hold; false where the job is not blocked, ready or running. */
export async function setHold(
  trx: Trx,
  jobId: string,
  change: { readonly hold: JobHold | null; readonly reason: string | null; readonly at: number },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('jobs')
    .set({
      hold: change.hold,
      hold_reason: change.reason,
      updated_at: change.at,
      ...(change.hold === null ? { interruptions: 0 } : {}),
    })
    .where('id', '=', jobId)
    .where('state', 'in', ['blocked', 'ready', 'running'])
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Where the active projects' jobs work. */
export async function listActiveWorkspaces(
  db: Db,
): Promise<readonly { readonly projectId: string; readonly workspace: string }[]> {
  const rows = await db.selectFrom('projects').select(['id', 'workspace']).where('status', '=', 'active').execute()
  return rows.map((row) => ({ projectId: row.id, workspace: row.workspace }))
}
