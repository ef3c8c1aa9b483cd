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
