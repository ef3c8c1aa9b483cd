/** Copies what a rehearsal needs into a scratch database; reads the source, writes only the scratch. */
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import type { JobRow, ProjectRow } from '../tables.ts'

const batch = 300

/** Returns how many jobs were copied. `hasTasks` says whether the source has tasks to copy. */
export async function copyForRehearsal(
  source: Db,
  scratch: Database,
  { projectSlug, hasTasks }: { readonly projectSlug: string | null; readonly hasTasks: boolean },
): Promise<number> {
  let chosen = source.selectFrom('projects').selectAll().where('status', '<>', 'cancelled')
  if (projectSlug !== null) chosen = chosen.where('slug', '=', projectSlug)
  const projects = await chosen.execute()
  const ids = projects.map((project) => project.id)
  if (ids.length === 0) return 0
  const jobs = await source.selectFrom('jobs').selectAll().where('project_id', 'in', ids).execute()
  const edges = await source
    .selectFrom('job_dependencies')
    .innerJoin('jobs', 'jobs.id', 'job_dependencies.job_id')
    .select(['job_dependencies.job_id', 'job_dependencies.depends_on_id'])
    .where('jobs.project_id', 'in', ids)
    .execute()
  const tasks = hasTasks
    ? await source
        .selectFrom('tasks')
        .innerJoin('jobs', 'jobs.id', 'tasks.job_id')
        .selectAll('tasks')
        .where('jobs.project_id', 'in', ids)
        .execute()
    : []
  await scratch.write(async (trx) => {
    await insertInBatches(projects.map(approvedCopy), (rows) => trx.insertInto('projects').values(rows).execute())
    await insertInBatches(jobs.map(idleCopy), (rows) => trx.insertInto('jobs').values(rows).execute())
    await insertInBatches(edges, (rows) => trx.insertInto('job_dependencies').values(rows).execute())
    await insertInBatches(tasks, (rows) => trx.insertInto('tasks').values(rows).execute())
  })
  return jobs.length
}

async function insertInBatches<Row>(rows: readonly Row[], insert: (rows: Row[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < rows.length; start += batch) await insert(rows.slice(start, start + batch))
}

/** A rehearsal is how a person judges a draft before approving it: in the scratch every plan may run. */
function approvedCopy(project: ProjectRow): ProjectRow {
  return { ...project, status: 'active', approved_hash: project.plan_hash }
}

/** What runs for real somewhere is not running here. */
function idleCopy(job: JobRow): JobRow {
  const idle = {
    ...job,
    lease_owner: null,
    lease_expires_at: null,
    hold: null,
    hold_reason: null,
    waits_for: null,
    run_at: 0,
  }
  return job.state === 'running' ? { ...idle, state: 'ready', ready_at: job.updated_at } : idle
}
