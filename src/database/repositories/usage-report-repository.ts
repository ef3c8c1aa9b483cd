import { sql, type RawBuilder } from 'kysely'
import type { UsageGrouping, UsageSums } from '../../domain/usage.ts'
import type { Db } from '../dialect/dialect.ts'

const dayMs = 86_400_000

/** What to group by. Both engines divide integers without remainder, which makes the day a number on both. */
function keyOf(by: UsageGrouping): RawBuilder<string | number | null> {
  switch (by) {
    case 'project':
      return sql`project_id`
    case 'role':
      return sql`role`
    case 'provider':
      return sql`provider_id`
    case 'model':
      return sql`provider_id || '/' || model_id`
    case 'day':
      return sql`created_at / ${sql.lit(dayMs)}`
  }
}

/** Sums of the requests since a time (epoch milliseconds; null for all), grouped. Days are numbers since the epoch, UTC. */
export async function sumUsage(
  db: Db,
  by: UsageGrouping,
  sinceMs: number | null,
): Promise<readonly (Omit<UsageSums, 'key'> & { readonly key: string | number | null })[]> {
  const key = keyOf(by)
  let query = db
    .selectFrom('model_usage')
    .select(() => [key.as('key'), ...sums()])
    .groupBy(key)
  if (sinceMs !== null) query = query.where('created_at', '>=', sinceMs)
  return query.execute()
}

/** Simulated calls are counted apart and stay out of every other sum. */
function sums() {
  return [
    count(real).as('requests'),
    count(sql`${real} and (input_tokens is null or output_tokens is null)`).as('uncounted'),
    sum('input_tokens', real).as('inputTokens'),
    sum('cached_input_tokens', real).as('cachedInputTokens'),
    sum('cache_write_tokens', real).as('cacheWriteTokens'),
    sum('output_tokens', real).as('outputTokens'),
    sum('reasoning_tokens', real).as('reasoningTokens'),
    count(sql`${real} and cost_micro_usd is not null`).as('pricedRequests'),
    sum('cost_micro_usd', real).as('costMicroUsd'),
    count(sql`${unpriced} and bound_micro_usd is not null`).as('boundedRequests'),
    sum('bound_micro_usd', unpriced).as('boundMicroUsd'),
    count(sql`${unpriced} and bound_micro_usd is null`).as('unknownRequests'),
    count(simulated).as('simulatedRequests'),
    sql<number>`${sum('input_tokens', simulated)} + ${sum('output_tokens', simulated)}`.as('simulatedTokens'),
  ] as const
}

const simulated = sql`source = 'simulated'`
const real = sql`source <> 'simulated'`
const unpriced = sql`${real} and cost_micro_usd is null`

type Condition = typeof real

function count(condition: Condition) {
  return sql<number>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`
}

function sum(column: string, condition: Condition) {
  return sql<number>`coalesce(sum(case when ${condition} then ${sql.ref(column)} end), 0)`
}
