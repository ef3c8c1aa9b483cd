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

/** Dollars per million tokens, as catalogs state them; cost is computed into micro-dollars. */
export interface Price {
  readonly inputUsdPerMillion: number
  readonly outputUsdPerMillion: number
  readonly cachedInputUsdPerMillion: number | null
  readonly cacheWriteUsdPerMillion: number | null
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

/** The models a call may use, best first, and why the others are out. */
export interface Choice {
  readonly chain: readonly { readonly model: Model; readonly reason: string }[]
  readonly excluded: readonly { readonly name: string; readonly reason: string }[]
}
