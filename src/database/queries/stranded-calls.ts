/** Calls whose job nobody will resume. */
import type { Db } from '../dialect/dialect.ts'

/**
 * Jobs with open reservations that are over or quarantined, and whose last lease has passed: their calls may
 * have been paid and no attempt will come to say so. Jobs that resume settle their own.
 */
export async function findStrandedCalls(db: Db, now: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('reservations')
    .innerJoin('jobs', 'jobs.id', 'reservations.job_id')
    .select('jobs.id')
    .distinct()
    .where('reservations.settled_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb('jobs.state', 'in', ['completed', 'failed', 'cancelled', 'skipped']),
        eb.and([eb('jobs.state', '=', 'ready'), eb('jobs.hold', '=', 'quarantine')]),
      ]),
    )
    .where((eb) => eb.or([eb('jobs.lease_expires_at', 'is', null), eb('jobs.lease_expires_at', '<', now)]))
    .orderBy('jobs.id')
    .execute()
  return rows.map((row) => row.id)
}
