import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import type { ModelRegistryRow } from '../tables.ts'

/** A row of the registry with its three layers parsed; `models/` knows their shapes. */
export interface StoredModel {
  readonly providerId: string
  readonly modelId: string
  readonly providerData: unknown
  readonly aiData: unknown
  readonly specs: unknown
  readonly lifecycle: ModelRegistryRow['lifecycle']
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

/** Stored models by provider and id; of one provider, where an id is given. */
export async function readModels(db: Db | Trx, providerId?: string): Promise<readonly StoredModel[]> {
  let query = db.selectFrom('model_registry').selectAll().orderBy('provider_id').orderBy('model_id')
  if (providerId !== undefined) query = query.where('provider_id', '=', providerId)
  const rows = await query.execute()
  return rows.map(toStoredModel)
}

/** Inserts or replaces a model's layers; the time it was first seen stays. */
export async function writeModel(db: Db | Trx, model: StoredModel, atMs: number): Promise<void> {
  const { provider_id, model_id, first_seen_at, ...values } = toColumns(model, atMs)
  await db
    .insertInto('model_registry')
    .values({ provider_id, model_id, first_seen_at, ...values })
    .onConflict((conflict) => conflict.columns(['provider_id', 'model_id']).doUpdateSet(values))
    .execute()
}

/** Inserts models, at most a few hundred; those that are there stay as they are. Returns how many were new. */
export async function addModels(trx: Trx, models: readonly StoredModel[], atMs: number): Promise<number> {
  if (models.length === 0) return 0
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('model_registry')
    .values(models.map((model) => toColumns(model, atMs)))
    .onConflict((conflict) => conflict.columns(['provider_id', 'model_id']).doNothing())
    .executeTakeFirst()
  return Number(numInsertedOrUpdatedRows ?? 0n)
}

/** The names of all stored models. */
export async function readModelNames(db: Db | Trx): Promise<readonly Pick<StoredModel, 'providerId' | 'modelId'>[]> {
  return db.selectFrom('model_registry').select(['provider_id as providerId', 'model_id as modelId']).execute()
}

function toColumns(model: StoredModel, atMs: number): ModelRegistryRow {
  return {
    provider_id: model.providerId,
    model_id: model.modelId,
    provider_data: toJson(model.providerData ?? null),
    ai_data: toJson(model.aiData),
    specs: toJson(model.specs),
    lifecycle: model.lifecycle,
    first_seen_at: model.firstSeenAt,
    last_seen_at: model.lastSeenAt,
    updated_at: atMs,
  }
}

/** Replaces what orch made of a model; the provider's data and the times it was seen stay. */
export async function writeLayers(
  db: Db | Trx,
  model: Pick<StoredModel, 'providerId' | 'modelId' | 'aiData' | 'specs'>,
  atMs: number,
): Promise<void> {
  await db
    .updateTable('model_registry')
    .set({ ai_data: toJson(model.aiData), specs: toJson(model.specs), updated_at: atMs })
    .where('provider_id', '=', model.providerId)
    .where('model_id', '=', model.modelId)
    .execute()
}

/** Marks models that their provider no longer lists. Rows are never deleted. */
export async function markVanished(
  db: Db | Trx,
  models: readonly Pick<StoredModel, 'providerId' | 'modelId'>[],
  atMs: number,
): Promise<void> {
  for (const { providerId, modelId } of models) {
    await db
      .updateTable('model_registry')
      .set({ lifecycle: 'vanished', updated_at: atMs })
      .where('provider_id', '=', providerId)
      .where('model_id', '=', modelId)
      .where('lifecycle', '=', 'active')
      .execute()
  }
}

function toStoredModel(row: ModelRegistryRow): StoredModel {
  return {
    providerId: row.provider_id,
    modelId: row.model_id,
    providerData: fromJson(row.provider_data),
    aiData: fromJson(row.ai_data),
    specs: fromJson(row.specs),
    lifecycle: row.lifecycle,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
  }
}
