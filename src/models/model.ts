import type { ModelNeed } from '../domain/plan.ts'
import type { Provider } from '../providers/provider.ts'

/** Where a value came from, strongest first (ModelDoctor's order). */
export const specSources = ['operator', 'probe', 'provider', 'catalog', 'heuristic'] as const
export type SpecSource = (typeof specSources)[number]

/** A value with its provenance. */
export interface Sourced<T> {
  readonly value: T
  readonly source: SpecSource
  /** 0 to 1. */
  readonly confidence: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** Dollars per million tokens of each class. One dollar per million is one micro-dollar per token. */
export interface Rates {
  readonly inputUsdPerMillion: number
  readonly outputUsdPerMillion: number
  /** Null: cached tokens cost what other input tokens cost. */
  readonly cachedInputUsdPerMillion: number | null
  /** Null: tokens written to a cache cost what other input tokens cost. */
  readonly cacheWriteUsdPerMillion: number | null
  /** Absent or null: reasoning costs what other output costs. */
  readonly reasoningUsdPerMillion?: number | null
}

/** Rates of a whole call once its input is longer than `aboveInputTokens`. */
export interface RateTier extends Rates {
  readonly aboveInputTokens: number
}

/** What a catalog or provider charges; cost is computed into micro-dollars by `models/pricing.ts`. */
export interface Price extends Rates {
  /** Rates of long calls, shortest first. */
  readonly tiers?: readonly RateTier[]
  /** A fee of every call besides its tokens. */
  readonly perCallUsd?: number
  /** For example `genai-prices`, and its version or date. */
  readonly priceSource: string
  readonly priceVersion: string
}

/** What orch uses of a model; a missing value is unknown, never a guess presented as a fact. */
export interface ModelSpecs {
  readonly contextTokens?: Sourced<number>
  readonly maxOutputTokens?: Sourced<number>
  readonly capabilities: Readonly<Partial<Record<ModelNeed, Sourced<boolean>>>>
  readonly price?: Sourced<Price>
}

export interface Model {
  readonly provider: Provider
  readonly modelId: string
  readonly lifecycle: 'active' | 'vanished' | 'disabled'
  readonly specs: ModelSpecs
  /** `provider/model`, as pins and listings write it. */
  readonly name: string
}

/** A model, or a whole provider, that may not be used now. */
export interface Exclusion {
  /** `provider/model`, or the provider alone. */
  readonly name: string
  readonly reason: string
  /** When it may be used again, in epoch milliseconds, where that is known: the end of a cooldown. */
  readonly untilMs?: number
}

/** The models a call may use, best first, and why the others are out. */
export interface Choice {
  readonly chain: readonly { readonly model: Model; readonly reason: string }[]
  readonly excluded: readonly Exclusion[]
}
