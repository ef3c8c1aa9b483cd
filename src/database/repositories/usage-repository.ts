import type { ErrorClass } from '../../domain/error-class.ts'
import type { MicroUsd } from '../../domain/money.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { ModelUsageRow } from '../tables.ts'

/** One request that was sent, what it consumed and what it cost. Never changed once written. */
export interface UsageRecord {
  readonly id: string
  readonly projectId: string | null
  readonly jobId: string | null
  readonly errandId: string | null
  readonly attempt: number | null
  readonly role: string | null
  readonly providerId: string
  readonly modelId: string
  readonly purpose: ModelUsageRow['purpose']
  readonly inputTokens: number | null
  readonly cachedInputTokens: number | null
  readonly cacheWriteTokens: number | null
  readonly outputTokens: number | null
  readonly reasoningTokens: number | null
  /** Null is unknown, never free. */
  readonly costMicroUsd: MicroUsd | null
  readonly boundMicroUsd: MicroUsd | null
  readonly source: ModelUsageRow['source']
  readonly priceSource: string | null
  readonly priceVersion: string | null
  readonly latencyMs: number | null
  readonly outcome: ModelUsageRow['outcome']
  readonly errorClass: ErrorClass | null
  readonly createdAt: number
}

/** Appends a record. A record with the same id stays as it is: a purchase is booked once. */
export async function insertUsage(trx: Trx, record: UsageRecord): Promise<void> {
  await insertUsages(trx, [record])
}

/** The same for several, at most a few hundred. Returns how many were new. */
export async function insertUsages(trx: Trx, records: readonly UsageRecord[]): Promise<number> {
  if (records.length === 0) return 0
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('model_usage')
    .values(records.map(toRow))
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return Number(numInsertedOrUpdatedRows ?? 0n)
}

/** Those of the ids that are booked already. */
export async function knownUsageIds(db: Db | Trx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db.selectFrom('model_usage').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map(({ id }) => id))
}

function toRow(record: UsageRecord): ModelUsageRow {
  return {
    id: record.id,
    project_id: record.projectId,
    job_id: record.jobId,
    errand_id: record.errandId,
    attempt: record.attempt,
    role: record.role,
    provider_id: record.providerId,
    model_id: record.modelId,
    purpose: record.purpose,
    input_tokens: record.inputTokens,
    cached_input_tokens: record.cachedInputTokens,
    cache_write_tokens: record.cacheWriteTokens,
    output_tokens: record.outputTokens,
    reasoning_tokens: record.reasoningTokens,
    cost_micro_usd: record.costMicroUsd,
    bound_micro_usd: record.boundMicroUsd,
    source: record.source,
    price_source: record.priceSource,
    price_version: record.priceVersion,
    latency_ms: record.latencyMs,
    outcome: record.outcome,
    error_class: record.errorClass,
    created_at: record.createdAt,
  }
}

/** Requests and tokens a provider has answered since a time (epoch milliseconds). */
export async function sentSince(
  db: Db | Trx,
  providerId: string,
  sinceMs: number,
): Promise<{ readonly calls: number; readonly tokens: number; readonly oldestMs: number | null }> {
  const row = await db
    .selectFrom('model_usage')
    .select((eb) => [
      eb.fn.countAll<number>().as('calls'),
      eb.fn.coalesce(eb.fn.sum<number>('input_tokens'), eb.lit(0)).as('input'),
      eb.fn.coalesce(eb.fn.sum<number>('output_tokens'), eb.lit(0)).as('output'),
      eb.fn.min('created_at').as('oldest'),
    ])
    .where('provider_id', '=', providerId)
    .where('created_at', '>', sinceMs)
    .executeTakeFirstOrThrow()
  return {
    calls: Number(row.calls),
    tokens: Number(row.input) + Number(row.output),
    oldestMs: row.oldest === null ? null : Number(row.oldest),
  }
}
