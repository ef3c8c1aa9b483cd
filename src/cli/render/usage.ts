import type { UsageGrouping, UsageSums } from '../../domain/usage.ts'
import { formatCost, type UsageReport } from '../../usage/usage-report.ts'
import { iso, money } from './json.ts'
import { table, type Cell, type TableOptions } from './table.ts'

const heads: Readonly<Record<UsageGrouping, string>> = {
  project: 'project',
  role: 'role',
  model: 'model',
  provider: 'provider',
  day: 'day (UTC)',
}

/** The report as `--json` prints it. */
export function usageDocument(report: UsageReport) {
  return {
    by: report.by,
    since: iso(report.sinceMs),
    rows: report.rows.map((row) => ({ [report.by]: row.key, ...sumsDocument(row) })),
    total: sumsDocument(report.total),
  }
}

function sumsDocument(sums: UsageSums) {
  return {
    requests: sums.requests,
    tokens: {
      input: sums.inputTokens,
      cachedInput: sums.cachedInputTokens,
      cacheWrite: sums.cacheWriteTokens,
      output: sums.outputTokens,
      reasoning: sums.reasoningTokens,
      uncountedRequests: sums.uncounted,
    },
    cost: {
      known: sums.pricedRequests === 0 ? null : money(sums.costMicroUsd),
      pricedRequests: sums.pricedRequests,
      atMost: sums.boundedRequests === 0 ? null : money(sums.boundMicroUsd),
      boundedRequests: sums.boundedRequests,
      unknownRequests: sums.unknownRequests,
    },
    simulated: { requests: sums.simulatedRequests, tokens: sums.simulatedTokens },
  }
}

/** The report as a table with its total. */
export function usageText(report: UsageReport, options: TableOptions): string {
  if (report.rows.length === 0) return 'No model has been called'
  const simulated = report.total.simulatedRequests > 0
  const reasoning = report.total.reasoningTokens > 0
  const head = [
    heads[report.by],
    'requests',
    'input',
    'cached',
    'written',
    'output',
    ...(reasoning ? ['reasoning'] : []),
    'cost',
    ...(simulated ? ['simulated'] : []),
  ]
  const line = (name: string, sums: UsageSums): Cell[] => [
    name,
    count(sums.requests),
    count(sums.inputTokens) + (sums.uncounted > 0 ? ' + ?' : ''),
    count(sums.cachedInputTokens),
    count(sums.cacheWriteTokens),
    count(sums.outputTokens) + (sums.uncounted > 0 ? ' + ?' : ''),
    ...(reasoning ? [count(sums.reasoningTokens)] : []),
    formatCost(sums),
    ...(simulated ? [simulatedText(sums)] : []),
  ]
  const rows = report.rows.map((row) => line(row.key ?? `no ${report.by}`, row))
  return table(head, [...rows, line('total', report.total)], options)
}

function simulatedText({ simulatedRequests, simulatedTokens }: UsageSums): string | null {
  return simulatedRequests === 0 ? null : `${count(simulatedRequests)} (${count(simulatedTokens)} tokens)`
}

function count(amount: number): string {
  return amount.toLocaleString('en-US')
}
