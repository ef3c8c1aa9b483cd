import type { MicroUsd } from './money.ts'

/** What a usage report can be grouped by. */
export const usageGroupings = ['project', 'role', 'model', 'provider', 'day'] as const
export type UsageGrouping = (typeof usageGroupings)[number]

/** Sums of one group of requests. Simulated calls are counted apart and stay out of every other field. */
export interface UsageSums {
  /** Null for calls outside any project or role. */
  readonly key: string | null
  readonly requests: number
  /** Requests whose provider did not count tokens; they add nothing to the tokens. */
  readonly uncounted: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly pricedRequests: number
  readonly costMicroUsd: MicroUsd
  /** Requests of unknown cost with a known bound, and the sum of the bounds. */
  readonly boundedRequests: number
  readonly boundMicroUsd: MicroUsd
  /** Requests of which not even a bound is known. */
  readonly unknownRequests: number
  readonly simulatedRequests: number
  readonly simulatedTokens: number
}
