import type { Insertable } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { ReservationRow, Tables } from '../tables.ts'
import type { MicroUsd } from '../../domain/money.ts'

/** A call in flight: its upper bound counts against every budget until it is settled. */
export interface StoredReservation {
  readonly id: string
  readonly projectId: string | null
  readonly jobId: string | null
  readonly errandId: string | null
  readonly attempt: number | null
  readonly schedulerId: string | null
  readonly providerId: string
  readonly modelId: string
  /** Null only where no budget applies and the price is unknown. */
  readonly boundMicroUsd: MicroUsd | null
  /** Estimated input plus the most output, for the minute buckets. */
  readonly tokens: number
  readonly createdAt: number
}

/** Opens a reservation. */
export async function insertReservation(trx: Trx, reservation: StoredReservation): Promise<void> {
  const row: Insertable<Tables['reservations']> = {
    id: reservation.id,
    project_id: reservation.projectId,
    job_id: reservation.jobId,
    errand_id: reservation.errandId,
    attempt: reservation.attempt,
    scheduler_id: reservation.schedulerId,
    provider_id: reservation.providerId,
    model_id: reservation.modelId,
    bound_micro_usd: reservation.boundMicroUsd,
    tokens: reservation.tokens,
    created_at: reservation.createdAt,
    settled_at: null,
  }
  await trx.insertInto('reservations').values(row).execute()
}

/** Closes a reservation; false when it was closed before or never stored. */
export async function closeReservation(trx: Trx, id: string, atMs: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('reservations')
    .set({ settled_at: atMs })
    .where('id', '=', id)
    .where('settled_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** How many calls to a provider are in flight, and their tokens, over all schedulers. */
export async function inFlightAt(
  db: Db | Trx,
  providerId: string,
): Promise<{ readonly calls: number; readonly tokens: number }> {
  const row = await db
    .selectFrom('reservations')
    .select((eb) => [
      eb.fn.countAll<number>().as('calls'),
      eb.fn.coalesce(eb.fn.sum<number>('tokens'), eb.lit(0)).as('tokens'),
    ])
    .where('provider_id', '=', providerId)
    .where('settled_at', 'is', null)
    .executeTakeFirstOrThrow()
  return { calls: Number(row.calls), tokens: Number(row.tokens) }
}

export interface OrphanFilter {
  readonly jobId?: string
  readonly errandId?: string
}

/** The open reservations of a job or an errand, oldest first. */
export async function findOpenReservations(db: Db | Trx, filter: OrphanFilter): Promise<readonly StoredReservation[]> {
  let query = db.selectFrom('reservations').selectAll().where('settled_at', 'is', null)
  if (filter.jobId !== undefined) query = query.where('job_id', '=', filter.jobId)
  if (filter.errandId !== undefined) query = query.where('errand_id', '=', filter.errandId)
  const rows = await query.orderBy('id').execute()
  return rows.map(toReservation)
}

/** A stored row as the features see it. */
export function toReservation(row: ReservationRow): StoredReservation {
  return {
    id: row.id,
    projectId: row.project_id,
    jobId: row.job_id,
    errandId: row.errand_id,
    attempt: row.attempt,
    schedulerId: row.scheduler_id,
    providerId: row.provider_id,
    modelId: row.model_id,
    boundMicroUsd: row.bound_micro_usd,
    tokens: row.tokens,
    createdAt: row.created_at,
  }
}
