import type { ErrorClass } from '../../domain/error-class.ts'
import type { Db, Trx } from '../dialect/dialect.ts'

/** What is remembered of a provider (empty model id) or of one of its models. */
export interface StoredHealth {
  readonly providerId: string
  readonly modelId: string
  readonly state: 'closed' | 'open' | 'half_open'
  readonly errorClass: ErrorClass | null
  readonly reason: string | null
  /** Epoch milliseconds. */
  readonly cooldownUntil: number | null
  /** Failures in a row. */
  readonly failures: number
}

/** All remembered health, or that of one provider. */
export async function readHealth(db: Db | Trx, providerId?: string): Promise<readonly StoredHealth[]> {
  const all = db.selectFrom('provider_health').selectAll().orderBy('provider_id').orderBy('model_id')
  const rows = await (providerId === undefined ? all : all.where('provider_id', '=', providerId)).execute()
  return rows.map((row) => ({
    providerId: row.provider_id,
    modelId: row.model_id,
    state: row.state,
    errorClass: row.error_class,
    reason: row.reason,
    cooldownUntil: row.cooldown_until,
    failures: row.failures,
  }))
}

/** Stores health, leaving the adaptive limits of the same row as they are. */
export async function writeHealth(trx: Trx, health: StoredHealth, atMs: number): Promise<void> {
  const values = {
    state: health.state,
    error_class: health.errorClass,
    reason: health.reason,
    cooldown_until: health.cooldownUntil,
    failures: health.failures,
    updated_at: atMs,
  }
  await trx
    .insertInto('provider_health')
    .values({ provider_id: health.providerId, model_id: health.modelId, ...values })
    .onConflict((conflict) => conflict.columns(['provider_id', 'model_id']).doUpdateSet(values))
    .execute()
}
