/** Rows that point at a row that is not there. No table has foreign keys, because any other one may be missing. */
import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import type { TableName } from '../tables.ts'

/** One column that holds the id of a row elsewhere. Nothing of orch ever removes the row it points at. */
export interface Relation {
  readonly table: TableName
  readonly column: string
  /** Its column `id` is meant. */
  readonly parent: TableName
}

/**
 * Every relation that must hold. Not among them: the scheduler of a job or an attempt, because a run without
 * `scheduler_instances` leaves none, and the errand of a call, because a run without `errands` stores none.
 */
export const relations: readonly Relation[] = [
  { table: 'jobs', column: 'project_id', parent: 'projects' },
  { table: 'jobs', column: 'skipped_because', parent: 'jobs' },
  { table: 'job_dependencies', column: 'job_id', parent: 'jobs' },
  { table: 'job_dependencies', column: 'depends_on_id', parent: 'jobs' },
  { table: 'attempts', column: 'job_id', parent: 'jobs' },
  { table: 'tasks', column: 'job_id', parent: 'jobs' },
  { table: 'errands', column: 'job_id', parent: 'jobs' },
  { table: 'job_events', column: 'project_id', parent: 'projects' },
  { table: 'job_events', column: 'job_id', parent: 'jobs' },
  { table: 'reservations', column: 'job_id', parent: 'jobs' },
  { table: 'job_locks', column: 'job_id', parent: 'jobs' },
  { table: 'model_usage', column: 'project_id', parent: 'projects' },
  { table: 'model_usage', column: 'job_id', parent: 'jobs' },
]

export interface Orphans {
  readonly count: number
  /** One of the ids that nothing has. */
  readonly example: string | null
}

/** Counts the orphans of one relation. Both tables must exist. */
export async function countOrphans(db: Db, { table, column, parent }: Relation): Promise<Orphans> {
  const id = sql.ref(`child.${column}`)
  const { rows } = await sql<{ count: number; example: string | null }>`
    select count(*) as count, min(${id}) as example from ${sql.table(table)} as child
    where ${id} is not null and not exists (select 1 from ${sql.table(parent)} as parent where parent.id = ${id})`.execute(
    db,
  )
  return rows[0] ?? { count: 0, example: null }
}
