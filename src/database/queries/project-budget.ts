import { sql } from 'kysely'
import type { MicroUsd } from '../../domain/money.ts'
import type { Trx } from '../dialect/dialect.ts'

/**
 * The cap of a project as it is now, so that a raised budget counts at once; undefined when the project
 * is not stored.
 */
export async function currentBudget(trx: Trx, projectId: string): Promise<MicroUsd | null | undefined> {
  const row = await trx.selectFrom('projects').select('budget_micro_usd').where('id', '=', projectId).executeTakeFirst()
  return row?.budget_micro_usd
}

export interface ProjectSpend {
  /** Known costs, and the bound where the cost is unknown. Simulated calls stay out. */
  readonly spent: MicroUsd
  /** Bounds of the calls in flight. */
  readonly reserved: MicroUsd
}

/**
 * What a project has spent and reserved, at one moment. One statement, because settling moves an amount from
 * one sum to the other: between two statements it could be in neither, and the cap would be passed.
 */
export async function readProjectSpend(trx: Trx, projectId: string): Promise<ProjectSpend> {
  const { rows } = await sql<ProjectSpend>`
    select
      (select coalesce(sum(coalesce(cost_micro_usd, bound_micro_usd, 0)), 0) from model_usage
        where project_id = ${projectId} and source <> 'simulated') as spent,
      (select coalesce(sum(bound_micro_usd), 0) from reservations
        where project_id = ${projectId} and settled_at is null) as reserved`.execute(trx)
  const [row] = rows
  return { spent: Number(row?.spent ?? 0), reserved: Number(row?.reserved ?? 0) }
}
