/**
 * The price catalog that ships with orch: the data of `@pydantic/genai-prices`, read without any network.
 * It is imported lazily, because its data is 800 kB of code.
 */
import { readFileSync } from 'node:fs'
import type { ModelPrice } from '@pydantic/genai-prices'
import type { Provider } from '../providers/provider.ts'
import type { Price, Rates, RateTier } from './model.ts'

/** Where a model is served, as far as its catalog entry depends on it. */
export type CatalogPlace = Pick<Provider, 'kind' | 'baseUrl'>

/** What the catalog knows of a model. */
export interface CatalogEntry {
  readonly catalogId: string
  readonly price: Price | null
  readonly contextTokens: number | null
}

/** The name that `Price.priceSource` carries for prices of this catalog. */
const catalogSource = 'genai-prices'

/** The catalog's ids of the vendors that orch knows by kind. Kinds that serve anything are found by address. */
const catalogIds = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  mistral: 'mistral',
  groq: 'groq',
  openrouter: 'openrouter',
  ollama: null,
  'openai-compatible': null,
  rehearsal: null,
} as const satisfies Record<Provider['kind'], string | null>

/**
 * The catalog's entry for a model at a time (epoch milliseconds; prices are dated), or null when it has none.
 * An unknown model is never matched to another vendor's entry of the same name.
 */
export async function catalogEntry(place: CatalogPlace, modelId: string, atMs: number): Promise<CatalogEntry | null> {
  if (place.kind === 'rehearsal' || place.kind === 'ollama') return null
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices')
  const vendor = catalogIds[place.kind] ?? findProvider({ providerApiUrl: place.baseUrl })?.id
  if (vendor === undefined) return null
  // No tokens: only the entry is wanted. (With tokens it throws where cached tokens exceed the input.)
  const found = calcPrice({}, modelId, { providerId: vendor, timestamp: new Date(atMs) })
  if (found === null) return null
  return {
    catalogId: found.model.id,
    price: toPrice(found.model_price),
    contextTokens: found.model.context_window ?? null,
  }
}

const priceKeys = ['input_mtok', 'output_mtok', 'cache_read_mtok', 'cache_write_mtok', 'output_reasoning_mtok'] as const
type PriceKey = (typeof priceKeys)[number]

/** Null where input or output has no token price (embeddings, audio): such a model's calls cannot be priced. */
function toPrice(listed: ModelPrice): Price | null {
  const base = ratesAt(listed, 0)
  if (base === null) return null
  const tiers = tierStarts(listed).flatMap((start): RateTier[] => {
    const rates = ratesAt(listed, start + 1)
    return rates === null ? [] : [{ aboveInputTokens: start, ...rates }]
  })
  return {
    ...base,
    ...(tiers.length > 0 && { tiers }),
    priceSource: catalogSource,
    priceVersion: catalogVersion(),
  }
}

function ratesAt(listed: ModelPrice, inputTokens: number): Rates | null {
  const rate = (key: PriceKey) => rateOf(listed[key], inputTokens)
  const input = rate('input_mtok')
  const output = rate('output_mtok')
  if (input === null || output === null) return null
  const reasoning = rate('output_reasoning_mtok')
  return {
    inputUsdPerMillion: input,
    outputUsdPerMillion: output,
    cachedInputUsdPerMillion: rate('cache_read_mtok'),
    cacheWriteUsdPerMillion: rate('cache_write_mtok'),
    ...(reasoning !== null && { reasoningUsdPerMillion: reasoning }),
  }
}

/** The catalog's rule: the last tier whose start the call's input exceeds prices the whole call. */
function rateOf(listed: ModelPrice[string], inputTokens: number): number | null {
  if (listed === undefined) return null
  if (typeof listed === 'number') return listed
  const reached = listed.tiers.filter((tier) => inputTokens > tier.start).toSorted((a, b) => b.start - a.start)
  return reached[0]?.price ?? listed.base
}

function tierStarts(listed: ModelPrice): number[] {
  const starts = priceKeys.flatMap((key) => {
    const price = listed[key]
    return typeof price === 'object' ? price.tiers.map((tier) => tier.start) : []
  })
  return [...new Set(starts)].toSorted((a, b) => a - b)
}

let knownVersion: string | undefined

/** The version of the catalog's data, as usage rows record it; `unknown` if its package cannot be found. */
function catalogVersion(): string {
  knownVersion ??= readVersion()
  return knownVersion
}

function readVersion(): string {
  try {
    // The package does not export its manifest, so it is found from its entry, which lies one folder below.
    const manifest = new URL('../package.json', import.meta.resolve('@pydantic/genai-prices'))
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    return version
  } catch {
    return 'unknown'
  }
}
