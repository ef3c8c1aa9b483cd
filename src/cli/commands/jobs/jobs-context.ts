/** What the verbs of `orch jobs` share. */
import type { Context } from '../../../context.ts'
import type { TableName } from '../../../database/tables.ts'
import type { JobsDeps } from '../../../scheduling/jobs-deps.ts'
import type { Io } from '../../io.ts'

/**
 * The features' surroundings, from the call's context. Only a run asks the ports of this machine for providers: a look
 * at jobs sends nothing anywhere.
 */
export async function jobsDeps(context: Context, { detect = false } = {}): Promise<JobsDeps> {
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
    shared: { settings: await context.sharedSettings(), freeProviders: () => freeProviders(context, detect) },
  }
}

/** Providers whose calls cost nothing. */
async function freeProviders(context: Context, detect: boolean): Promise<readonly string[]> {
  const known = await (await context.providers()).list({ detect })
  return known.filter(({ enabled, local }) => enabled && local).map(({ id }) => id)
}

/** Says that a read found nothing because tables are missing; false where all are there. */
export function warnMissing(io: Io, tables: readonly TableName[], consequence: string): boolean {
  if (tables.length === 0) return false
  const noun = tables.length === 1 ? 'is no table' : 'are no tables'
  io.warn(`There ${noun} ${tables.join(', ')}: ${consequence}`, 'Create what is missing with `orch db migrate`')
  return true
}
