import type { MicroUsd } from '../domain/money.ts'
import type { TokenUsage } from '../providers/model-client.ts'
import type { Provider } from '../providers/provider.ts'
import { catalogEntry, type CatalogPlace } from './catalog.ts'
import type { Price, Rates } from './model.ts'

const free: Rates = {
  inputUsdPerMillion: 0,
  outputUsdPerMillion: 0,
  cachedInputUsdPerMillion: null,
  cacheWriteUsdPerMillion: null,
}

/** The price of a server on loopback: nothing, because nobody is paid. */
export const localPrice: Price = { ...free, priceSource: 'local', priceVersion: '1' }

/** The price of the rehearsal provider: nothing is bought, and its rows stay out of every sum of spend. */
export const simulatedPrice: Price = { ...free, priceSource: 'simulated', priceVersion: '1' }

/** The price that follows from where a provider runs rather than from any list, or null. */
export function placePrice(provider: Pick<Provider, 'kind' | 'local'>): Price | null {
  if (provider.kind === 'rehearsal') return simulatedPrice
  return provider.local ? localPrice : null
}

/** The catalog's price of a model at a time (epoch milliseconds), or null: unknown, never free. No network. */
export async function catalogPrice(place: CatalogPlace, modelId: string, atMs: number): Promise<Price | null> {
  const entry = await catalogEntry(place, modelId, atMs)
  return entry?.price ?? null
}

/**
 * What a call cost, in whole micro-dollars, rounded to the nearest:
 * `uncached x input + cached x cachedInput + written x cacheWrite + (output - reasoning) x output + reasoning x reasoning + fee`
 * where uncached = input - cached - written (never below 0), and a rate that is not listed is that of its class.
 * The rates are those of the highest tier whose start the input exceeds, for the whole call.
 * Null, which means unknown, without a price or without the counts of input and output.
 */
export function priceCall(price: Price | null, usage: TokenUsage): MicroUsd | null {
  if (price === null) return null
  if (price.priceSource === localPrice.priceSource || price.priceSource === simulatedPrice.priceSource) return 0
  if (usage.inputTokens === null || usage.outputTokens === null) return null
  const cached = usage.cachedInputTokens ?? 0
  const written = usage.cacheWriteTokens ?? 0
  // A provider that counts cached tokens beside the input, not inside it, is charged for all it reported.
  const input = Math.max(usage.inputTokens, cached + written)
  const reasoning = Math.min(usage.reasoningTokens ?? 0, usage.outputTokens)
  const rates = ratesFor(price, input)
  const cost =
    (input - cached - written) * rates.inputUsdPerMillion +
    cached * (rates.cachedInputUsdPerMillion ?? rates.inputUsdPerMillion) +
    written * (rates.cacheWriteUsdPerMillion ?? rates.inputUsdPerMillion) +
    (usage.outputTokens - reasoning) * rates.outputUsdPerMillion +
    reasoning * (rates.reasoningUsdPerMillion ?? rates.outputUsdPerMillion)
  return Math.round(cost + feeMicroUsd(price))
}

export interface CallSize {
  /** UTF-8 bytes of everything that is sent: no tokenizer makes more tokens than bytes. */
  readonly requestBytes: number
  readonly maxOutputTokens: number
}

/**
 * The most a call can cost, in whole micro-dollars, rounded up: every byte as a token of the dearest input
 * class and every allowed output token as the dearest output class, over all tiers such an input could reach.
 * Null where the price is unknown.
 */
export function boundCall(price: Price, size: CallSize): MicroUsd
export function boundCall(price: Price | null, size: CallSize): MicroUsd | null
export function boundCall(price: Price | null, size: CallSize): MicroUsd | null {
  if (price === null) return null
  const reachable = [price, ...(price.tiers ?? []).filter((tier) => size.requestBytes > tier.aboveInputTokens)]
  const bounds = reachable.map(
    (rates) => size.requestBytes * dearestInput(rates) + size.maxOutputTokens * dearestOutput(rates),
  )
  // toFixed removes the floating noise that would otherwise round a whole number up by one.
  return Math.ceil(Number((Math.max(...bounds) + feeMicroUsd(price)).toFixed(6)))
}

function ratesFor(price: Price, inputTokens: number): Rates {
  const reached = (price.tiers ?? []).filter((tier) => inputTokens > tier.aboveInputTokens)
  return reached.at(-1) ?? price
}

function dearestInput(rates: Rates): number {
  const { inputUsdPerMillion, cachedInputUsdPerMillion, cacheWriteUsdPerMillion } = rates
  return Math.max(inputUsdPerMillion, cachedInputUsdPerMillion ?? 0, cacheWriteUsdPerMillion ?? 0)
}

function dearestOutput(rates: Rates): number {
  return Math.max(rates.outputUsdPerMillion, rates.reasoningUsdPerMillion ?? 0)
}

function feeMicroUsd(price: Price): number {
  return (price.perCallUsd ?? 0) * 1_000_000
}
