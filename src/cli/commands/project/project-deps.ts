/** What the features of planning need, out of the context. */
import { userInfo } from 'node:os'
import type { Context } from '../../../context.ts'
import { microUsdFromUsd } from '../../../domain/money.ts'
import type { StoreDeps } from '../../../planning/store-plan.ts'

/** For everything that reads or writes projects. */
export async function storeDeps(context: Context): Promise<StoreDeps> {
  // Says so where it is not: nothing that is shown or stored here then starts.
  await context.databaseIsTrusted()
  return { database: await context.database(), tables: await context.tables(), ids: context.ids }
}

/** The person at the keyboard, as approvals name them. */
export function personName(context: Pick<Context, 'env'>): string {
  try {
    return userInfo().username
  } catch {
    // A user id without an entry, as containers have.
    return context.env['USER'] ?? 'unknown'
  }
}

/** How many jobs one scheduler runs at once, for estimates. */
export async function concurrencyOf(context: Context): Promise<number> {
  return (await context.settings()).get('limits.concurrency')
}

/** The cap of a project that states none; null is no cap. */
export async function usualBudget(context: Context): Promise<number | null> {
  const usd = (await context.settings()).get('budget.project_usd')
  return usd === null ? null : microUsdFromUsd(usd)
}
