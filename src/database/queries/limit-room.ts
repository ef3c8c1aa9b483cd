import { isLimited, limitKeys, LimitRoom, type JobLimits, type Pins } from '../../domain/job-limits.ts'
import type { Db, Dialect, Trx } from '../dialect/dialect.ts'
import { readCallLoad, readRunningJobs } from './shared-load.ts'

export interface LimitScope {
  readonly limits: JobLimits
  readonly pins: Pins
  /** Whether calls in flight are recorded. */
  readonly hasReservations: boolean
}

/**
 * How much of each limit is in use now. A job whose model is pinned counts as one call of it from its start to its
 * end, because it is about to send one; calls of others count while they are in flight. Without limits nothing is read.
 */
export async function readRoom(
  db: Db | Trx,
  dialect: Pick<Dialect, 'jsonText'>,
  { limits, pins, hasReservations }: LimitScope,
): Promise<LimitRoom> {
  const room = new LimitRoom(limits)
  if (!isLimited(limits)) return room
  for (const job of await readRunningJobs(db, dialect)) room.take(limitKeys(job, pins))
  if (!hasReservations || limits.providers.size + limits.models.size === 0) return room
  const byProvider = new Map<string, number>()
  for (const { providerId, modelId, calls } of await readCallLoad(db)) {
    room.atLeast({ kind: 'model', name: `${providerId}/${modelId}` }, calls)
    byProvider.set(providerId, (byProvider.get(providerId) ?? 0) + calls)
  }
  for (const [name, calls] of byProvider) room.atLeast({ kind: 'provider', name }, calls)
  return room
}
