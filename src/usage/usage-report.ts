import type { Database } from '../database/connection.ts'
import { listProjects } from '../database/repositories/project-repository.ts'
import { sumUsage } from '../database/repositories/usage-report-repository.ts'
import type { TableName } from '../database/tables.ts'
import { formatMicroUsd } from '../domain/money.ts'
import type { UsageGrouping, UsageSums } from '../domain/usage.ts'

export interface UsageReport {
  readonly by: UsageGrouping
  /** Epoch milliseconds; null for everything. */
  readonly sinceMs: number | null
  readonly rows: readonly UsageSums[]
  readonly total: UsageSums
}

export interface UsageReportDeps {
  readonly database: Database
  readonly tables: { has(table: TableName): Promise<boolean> }
}

export interface UsageQuestion {
  readonly by: UsageGrouping
  readonly sinceMs: number | null
}

const dayMs = 86_400_000

/**
 * What was used and spent, grouped: days in order of time, everything else dearest first. Projects appear by
 * their slug, or by id where the project's row is gone. Without `model_usage` the report is empty.
 */
export async function reportUsage(deps: UsageReportDeps, { by, sinceMs }: UsageQuestion): Promise<UsageReport> {
  if (!(await deps.tables.has('model_usage'))) return { by, sinceMs, rows: [], total: totalOf([]) }
  const sums = await sumUsage(deps.database.db, by, sinceMs)
  const slugs = by === 'project' ? await readSlugs(deps) : new Map<string, string>()
  const rows = sums.map((row): UsageSums => ({ ...row, key: label(by, row.key, slugs) }))
  return { by, sinceMs, rows: rows.toSorted(by === 'day' ? byKey : byCost), total: totalOf(rows) }
}

async function readSlugs({ database, tables }: UsageReportDeps): Promise<ReadonlyMap<string, string>> {
  if (!(await tables.has('projects'))) return new Map()
  return new Map((await listProjects(database.db)).map((project) => [project.id, project.slug]))
}

function label(by: UsageGrouping, key: string | number | null, slugs: ReadonlyMap<string, string>): string | null {
  if (key === null) return null
  if (by === 'day') return new Date(Number(key) * dayMs).toISOString().slice(0, 10)
  return slugs.get(String(key)) ?? String(key)
}

function byKey(left: UsageSums, right: UsageSums): number {
  return (left.key ?? '') < (right.key ?? '') ? -1 : 1
}

function byCost(left: UsageSums, right: UsageSums): number {
  const cost = ({ costMicroUsd, boundMicroUsd }: UsageSums) => costMicroUsd + boundMicroUsd
  return cost(right) - cost(left) || right.requests - left.requests || byKey(left, right)
}

function totalOf(rows: readonly UsageSums[]): UsageSums {
  const add = (field: Exclude<keyof UsageSums, 'key'>) => rows.reduce((sum, row) => sum + row[field], 0)
  return {
    key: null,
    requests: add('requests'),
    uncounted: add('uncounted'),
    inputTokens: add('inputTokens'),
    cachedInputTokens: add('cachedInputTokens'),
    cacheWriteTokens: add('cacheWriteTokens'),
    outputTokens: add('outputTokens'),
    reasoningTokens: add('reasoningTokens'),
    pricedRequests: add('pricedRequests'),
    costMicroUsd: add('costMicroUsd'),
    boundedRequests: add('boundedRequests'),
    boundMicroUsd: add('boundMicroUsd'),
    unknownRequests: add('unknownRequests'),
    simulatedRequests: add('simulatedRequests'),
    simulatedTokens: add('simulatedTokens'),
  }
}

/**
 * Money as it is known: `$1.20`, `$1.20 + <= $0.40` where some calls have only a bound, `$1.20 + 3 unknown`
 * where some have neither, `-` where nothing real was sent. An unknown cost never shows as zero.
 */
export function formatCost(sums: UsageSums): string {
  const parts = [
    sums.pricedRequests > 0 ? formatMicroUsd(sums.costMicroUsd) : null,
    sums.boundedRequests > 0 ? `<= ${formatMicroUsd(sums.boundMicroUsd)}` : null,
    sums.unknownRequests > 0 ? `${sums.unknownRequests} unknown` : null,
  ].filter((part) => part !== null)
  return parts.length === 0 ? '-' : parts.join(' + ')
}
