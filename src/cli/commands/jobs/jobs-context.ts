/** What the verbs of `orch jobs` share. */
import type { Context } from '../../../context.ts'
import type { TableName } from '../../../database/tables.ts'
import type { JobsDeps } from '../../../scheduling/jobs-deps.ts'
import type { Io } from '../../io.ts'

/** The features' surroundings, from the call's context. */
export async function jobsDeps(context: Context): Promise<JobsDeps> {
  const { canReachWorkspace } = await import('../../../scheduling/workspace-reach.ts')
  const [database, tables] = [await context.database(), await context.tables()]
  const databaseTrusted = await context.databaseIsTrusted()
  const { isAlive } = await import('../../../workspace/process-identity.ts')
  return {
    database,
    tables,
    ids: context.ids,
    clock: context.clock,
    databaseTrusted,
    canReach: canReachWorkspace,
    isAlive,
    leaseMs: (await context.settings()).get('limits.lease_ms'),
    shared: { settings: await context.sharedSettings(), freeProviders: () => freeProviders(context) },
  }
}

/** Providers whose calls cost nothing. No port is asked: a look at jobs sends nothing anywhere. */
async function freeProviders(context: Context): Promise<readonly string[]> {
  const known = await (await context.providers()).list({ detect: false })
  return known.filter(({ enabled, local }) => enabled && local).map(({ id }) => id)
}

/** Says that a read found nothing because tables are missing; false where all are there. */
export function warnMissing(io: Io, tables: readonly TableName[], consequence: string): boolean {
  if (tables.length === 0) return false
  const noun = tables.length === 1 ? 'table' : 'tables'
  io.warn(`There is no ${noun} ${tables.join(', ')}: ${consequence}`, 'Create what is missing with `orch db migrate`')
  return true
}
