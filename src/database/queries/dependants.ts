/** What the end of a job does to the jobs behind it. */
import { sql } from 'kysely'
import type { Trx } from '../dialect/dialect.ts'

export interface ChangedDependant {
  readonly id: string
  readonly projectId: string
}

/**
 * Counts one completed job off its dependants and makes those with none left ready. A relative decrement,
 * because two parents that finish at once each see the other as still running; in the order of ids,
 * so that two such transactions cannot wait for each other.
 */
export async function releaseDependants(
  trx: Trx,
  completedId: string,
  { now, lockRows }: { readonly now: number; readonly lockRows: boolean },
): Promise<ChangedDependant[]> {
  let waiting = trx
    .selectFrom('jobs')
    .select('jobs.id')
    .where('jobs.state', '=', 'blocked')
    .where('jobs.id', 'in', (eb) =>
      eb.selectFrom('job_dependencies').select('job_id').where('depends_on_id', '=', completedId),
    )
    .orderBy('jobs.id')
  if (lockRows) waiting = waiting.forUpdate('jobs')
  const dependants = (await waiting.execute()).map((row) => row.id)
  if (dependants.length === 0) return []
  const rows = await trx
    .updateTable('jobs')
    .set((eb) => ({
      blocked_by: eb('blocked_by', '-', 1),
      state: eb
        .case()
        .when('blocked_by', '<=', 1)
        .then(sql.lit('ready' as const))
        .else(sql.lit('blocked' as const))
        .end(),
      ready_at: eb.case().when('blocked_by', '<=', 1).then(now).else(eb.ref('ready_at')).end(),
      updated_at: now,
    }))
    .where('id', 'in', dependants)
    .where('state', '=', 'blocked')
    .returning(['id', 'project_id', 'state'])
    .execute()
  return rows.filter((row) => row.state === 'ready').map((row) => ({ id: row.id, projectId: row.project_id }))
}

/** Makes everything behind a dead job skipped, through all generations, naming that job as the cause. */
export async function skipDependants(
  trx: Trx,
  deadId: string,
  { now, cause = deadId }: { readonly now: number; readonly cause?: string },
): Promise<ChangedDependant[]> {
  const rows = await trx
    .withRecursive('behind', (db) =>
      db
        .selectFrom('job_dependencies')
        .select('job_dependencies.job_id as id')
        .where('depends_on_id', '=', deadId)
        .union((union) =>
          union
            .selectFrom('job_dependencies')
            .innerJoin('behind', 'behind.id', 'job_dependencies.depends_on_id')
            .select('job_dependencies.job_id as id'),
        ),
    )
    .updateTable('jobs')
    .set({ state: 'skipped', skipped_because: cause, finished_at: now, updated_at: now })
    .where('state', '=', 'blocked')
    .where('id', 'in', (eb) => eb.selectFrom('behind').select('behind.id'))
    .returning(['id', 'project_id'])
    .execute()
  return rows.map((row) => ({ id: row.id, projectId: row.project_id }))
}
