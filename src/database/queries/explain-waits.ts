/** Which readiness conditions hold for blocked and ready jobs. */
import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import {
  readinessConditionNames,
  readinessConditions,
  type ReadinessCondition,
  type ReadinessFacts,
} from './readiness-conditions.ts'

/**
 * The conditions of each job, most decisive first; an empty list means it may start. Jobs without a project are left
 * out. Locks are left to the caller, unless the facts say which are taken.
 */
export async function readExplainedWaits(
  db: Db,
  scope: { readonly projectId?: string; readonly jobId?: string },
  facts: ReadinessFacts,
): Promise<Map<string, readonly ReadinessCondition[]>> {
  let query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select('jobs.id')
    .select((eb) =>
      readinessConditionNames.map((name) =>
        eb.case().when(readinessConditions[name](eb, facts)).then(sql.lit(1)).else(sql.lit(0)).end().as(name),
      ),
    )
    .where('jobs.state', 'in', ['blocked', 'ready'])
  if (scope.projectId !== undefined) query = query.where('jobs.project_id', '=', scope.projectId)
  if (scope.jobId !== undefined) query = query.where('jobs.id', '=', scope.jobId)
  const rows = await query.execute()
  return new Map(
    rows.map((row) => {
      const flags = row as unknown as Record<ReadinessCondition, number>
      return [row.id, readinessConditionNames.filter((name) => flags[name] === 1)]
    }),
  )
}
