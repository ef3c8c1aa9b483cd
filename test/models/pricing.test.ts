import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Price } from '../../src/models/model.ts'
import { boundCall, localPrice, placePrice, priceCall, simulatedPrice } from '../../src/models/pricing.ts'
import type { TokenUsage } from '../../src/providers/model-client.ts'

function usage(overrides: Partial<TokenUsage>): TokenUsage {
  return {
    inputTokens: 0,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    outputTokens: 0,
    reasoningTokens: null,
    ...overrides,
  }
}

const price: Price = {
  inputUsdPerMillion: 3,
  outputUsdPerMillion: 15,
  cachedInputUsdPerMillion: 0.3,
  cacheWriteUsdPerMillion: 3.75,
  priceSource: 'operator',
  priceVersion: '1',
}

describe('the cost of a call', () => {
  test('is tokens times dollars per million, in micro-dollars', () => {
    // 1000 x 3 + 100 x 15
    expect(priceCall(price, usage({ inputTokens: 1000, outputTokens: 100 }))).toBe(4500)
  })

  test('charges each token class its own rate once', () => {
    // (1000 - 600 - 200) x 3 + 600 x 0.3 + 200 x 3.75 + 100 x 15
    const counted = usage({
      inputTokens: 1000,
      cachedInputTokens: 600,
      cacheWriteTokens: 200,
      outputTokens: 100,
    })
    expect(priceCall(price, counted)).toBe(600 + 180 + 750 + 1500)
  })

  test('charges everything reported when cached tokens exceed the input, where the catalog package throws', () => {
    expect(() =>
      calcPrice({ input_tokens: 10, cache_read_tokens: 20 }, 'claude-sonnet-4-5', {
        providerId: 'anthropic',
      }),
    ).toThrow()
    expect(priceCall(price, usage({ inputTokens: 10, cachedInputTokens: 20, outputTokens: 0 }))).toBe(6)
  })

  test('charges the whole call at the tier its input reaches, which begins above its start', () => {
    const tiered: Price = {
      ...price,
      tiers: [{ ...price, aboveInputTokens: 200_000, inputUsdPerMillion: 6, outputUsdPerMillion: 22.5 }],
    }
    expect(priceCall(tiered, usage({ inputTokens: 200_000, outputTokens: 10 }))).toBe(600_150)
    expect(priceCall(tiered, usage({ inputTokens: 200_001, outputTokens: 10 }))).toBe(1_200_006 + 225)
  })

  test('charges reasoning its own rate where there is one, else as output', () => {
    const counted = usage({ inputTokens: 0, outputTokens: 100, reasoningTokens: 40 })
    expect(priceCall(price, counted)).toBe(1500)
    expect(priceCall({ ...price, reasoningUsdPerMillion: 3 }, counted)).toBe(60 * 15 + 40 * 3)
  })

  test('adds the fee of a call', () => {
    expect(priceCall({ ...price, perCallUsd: 0.01 }, usage({}))).toBe(10_000)
  })

  test('is unknown without a price or without counts, never zero', () => {
    expect(priceCall(null, usage({ inputTokens: 1, outputTokens: 1 }))).toBeNull()
    expect(priceCall(price, usage({ inputTokens: null, outputTokens: 1 }))).toBeNull()
    expect(priceCall(price, usage({ inputTokens: 1, outputTokens: null }))).toBeNull()
  })

  test('is 0 on loopback and in rehearsal, even without counts', () => {
    expect(placePrice({ kind: 'ollama', local: true })).toBe(localPrice)
    expect(placePrice({ kind: 'rehearsal', local: true })).toBe(simulatedPrice)
    expect(placePrice({ kind: 'openai', local: false })).toBeNull()
    expect(priceCall(localPrice, usage({ inputTokens: null, outputTokens: null }))).toBe(0)
    expect(priceCall(simulatedPrice, usage({ inputTokens: null, outputTokens: null }))).toBe(0)
  })
})

describe('the bound of a call', () => {
  test('counts every byte as the dearest input token and every allowed output token, rounded up', () => {
    expect(boundCall(price, { requestBytes: 1000, maxOutputTokens: 100 })).toBe(3750 + 1500)
    expect(boundCall({ ...price, cacheWriteUsdPerMillion: 3.0001 }, { requestBytes: 1, maxOutputTokens: 0 })).toBe(4)
  })

  test('is not raised by floating noise', () => {
    const cheap = {
      ...price,
      inputUsdPerMillion: 0.29,
      outputUsdPerMillion: 0.07,
      cachedInputUsdPerMillion: null,
      cacheWriteUsdPerMillion: null,
    }
    expect(boundCall(cheap, { requestBytes: 1_000_000, maxOutputTokens: 100 })).toBe(290_007)
  })

  test('is unknown without a price', () => {
    expect(boundCall(null, { requestBytes: 1, maxOutputTokens: 1 })).toBeNull()
  })

  test('is never below the cost of a call within it', () => {
    const rate = fc.double({ min: 0, max: 100, noNaN: true })
    const maybeRate = fc.option(rate)
    const rates = fc.record({
      inputUsdPerMillion: rate,
      outputUsdPerMillion: rate,
      cachedInputUsdPerMillion: maybeRate,
      cacheWriteUsdPerMillion: maybeRate,
      reasoningUsdPerMillion: maybeRate,
    })
    const prices = fc.record({ base: rates, tier: rates, start: fc.nat(3000) }).map(({ base, tier, start }): Price => ({
      ...base,
      tiers: [{ ...tier, aboveInputTokens: start }],
      priceSource: 'x',
      priceVersion: '1',
    }))
    const tokens = fc.nat(2000)
    fc.assert(
      fc.property(prices, fc.tuple(tokens, tokens, tokens, tokens, tokens), (drawn, counts) => {
        const [plain, cached, written, output, reasoning] = counts
        const input = plain + cached + written
        const cost = priceCall(drawn, {
          inputTokens: input,
          cachedInputTokens: cached,
          cacheWriteTokens: written,
          outputTokens: output,
          reasoningTokens: Math.min(reasoning, output),
        })
        expect(boundCall(drawn, { requestBytes: input, maxOutputTokens: output })).toBeGreaterThanOrEqual(cost ?? 0)
      }),
    )
  })
})
