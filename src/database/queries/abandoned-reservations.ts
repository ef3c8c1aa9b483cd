import type { Trx } from '../dialect/dialect.ts'
import { toReservation, type StoredReservation } from '../repositories/reservation-repository.ts'

/** A call outside a job that is older than this has no sender any more: no request is given so long. */
const longestCallMs = 30 * 60_000

/**
 * Open reservations that nobody is going to settle: of jobs that are gone, ended or held, and of calls outside
 * jobs that are too old to be under way. A job that is still to be resumed settles its own.
 */
export async function findAbandonedReservations(trx: Trx, nowMs: number): Promise<readonly StoredReservation[]> {
  const rows = await trx
    .selectFrom('reservations')
    .leftJoin('jobs', 'jobs.id', 'reservations.job_id')
    .selectAll('reservations')
    .where('reservations.settled_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb.and([eb('reservations.job_id', 'is', null), eb('reservations.created_at', '<', nowMs - longestCallMs)]),
        eb.and([
          eb('reservations.job_id', 'is not', null),
          eb.or([
            eb('jobs.id', 'is', null),
            eb('jobs.hold', 'is not', null),
            eb('jobs.state', 'not in', ['running', 'ready', 'blocked']),
          ]),
        ]),
      ]),
    )
    .execute()
  return rows.map(toReservation)
}
