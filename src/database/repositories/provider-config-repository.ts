import type { Db, Trx } from '../dialect/dialect.ts'

/** A stored provider. `kind` is text: another version may have written one this one does not know. */
export interface StoredProvider {
  readonly id: string
  readonly label: string
  readonly kind: string
  readonly baseUrl: string | null
  /** The name of a credential, never a key. */
  readonly credential: string | null
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly maxConcurrency: number | null
  readonly enabled: boolean
}

/** Every stored provider, by id. */
export async function readProviderConfigs(db: Db | Trx): Promise<readonly StoredProvider[]> {
  const rows = await db.selectFrom('provider_config').selectAll().orderBy('id').execute()
  return rows.map((row) => ({
    id: row.id,
    label: row.label,
    kind: row.kind,
    baseUrl: row.base_url,
    credential: row.credential,
    requestsPerMinute: row.requests_per_minute,
    tokensPerMinute: row.tokens_per_minute,
    maxConcurrency: row.max_concurrency,
    enabled: row.enabled === 1,
  }))
}

/** Inserts a provider. Returns false, changing nothing, when its id exists. */
export async function addProviderConfig(trx: Trx, provider: StoredProvider, atMs: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('provider_config')
    .values({ id: provider.id, ...toColumns(provider), created_at: atMs, updated_at: atMs })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Replaces every field of a stored provider. Returns false when there is none with its id. */
export async function updateProviderConfig(trx: Trx, provider: StoredProvider, atMs: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('provider_config')
    .set({ ...toColumns(provider), updated_at: atMs })
    .where('id', '=', provider.id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Removes a stored provider; its usage and its models stay. Returns false when there is none. */
export async function removeProviderConfig(trx: Trx, id: string): Promise<boolean> {
  const { numDeletedRows } = await trx.deleteFrom('provider_config').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

function toColumns(provider: StoredProvider) {
  return {
    label: provider.label,
    kind: provider.kind,
    base_url: provider.baseUrl,
    credential: provider.credential,
    requests_per_minute: provider.requestsPerMinute,
    tokens_per_minute: provider.tokensPerMinute,
    max_concurrency: provider.maxConcurrency,
    enabled: provider.enabled ? 1 : 0,
  }
}
