import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Price } from '../../src/models/model.ts'
import { boundCall, catalogPrice, localPrice, placePrice, priceCall, simulatedPrice } from '../../src/models/pricing.ts'
import type { TokenUsage } from '../../src/providers/model-client.ts'

const autumn2026 = Date.UTC(2026, 10, 1)
const vendor = (kind: 'openai' | 'anthropic' | 'google' | 'mistral' | 'groq' | 'openrouter') => ({
  kind,
  baseUrl: '',
})

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

async function knownPrice(kind: Parameters<typeof vendor>[0], modelId: string): Promise<Price> {
  const found = await catalogPrice(vendor(kind), modelId, autumn2026)
  if (found === null) throw new Error(`the catalog lost ${modelId}`)
  return found
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

describe('the catalog', () => {
  test('knows models of each vendor, with its name and version', async () => {
    const found = await knownPrice('anthropic', 'claude-sonnet-4-5')
    expect(found).toMatchObject({
      inputUsdPerMillion: 3,
      outputUsdPerMillion: 15,
      priceSource: 'genai-prices',
    })
    expect(found.tiers).toMatchObject([{ aboveInputTokens: 200_000, inputUsdPerMillion: 6 }])
    expect(found.priceVersion).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('does not know local, invented or other vendors models', async () => {
    expect(await catalogPrice({ kind: 'ollama', baseUrl: '' }, 'gpt-4o', autumn2026)).toBeNull()
    expect(await catalogPrice(vendor('openai'), 'gpt-nothing-like-this', autumn2026)).toBeNull()
    expect(await catalogPrice(vendor('openai'), 'claude-sonnet-4-5', autumn2026)).toBeNull()
    const elsewhere = {
      kind: 'openai-compatible',
      baseUrl: 'https://models.example.org/v1',
    } as const
    expect(await catalogPrice(elsewhere, 'gpt-4o', autumn2026)).toBeNull()
  })

  test('finds a compatible vendor by its address', async () => {
    const place = { kind: 'openai-compatible', baseUrl: 'https://api.deepseek.com/v1' } as const
    expect(await catalogPrice(place, 'deepseek-chat', autumn2026)).not.toBeNull()
  })

  test('gives the price of the day', async () => {
    const before = await catalogPrice(vendor('openai'), 'o3', Date.UTC(2025, 4, 1))
    const after = await catalogPrice(vendor('openai'), 'o3', Date.UTC(2025, 6, 1))
    expect([before?.inputUsdPerMillion, after?.inputUsdPerMillion]).toEqual([10, 2])
  })

  test('gives no price to a model that bills something else than tokens', async () => {
    expect(await catalogPrice(vendor('openai'), 'whisper-1', autumn2026)).toBeNull()
  })

  test.each([
    ['openai', 'gpt-5'],
    ['openai', 'gpt-5.6-luna'],
    ['anthropic', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-opus-4-5'],
    ['google', 'gemini-2.5-pro'],
    ['mistral', 'mistral-large-latest'],
    ['groq', 'llama-3.3-70b-versatile'],
    ['openrouter', 'openai/gpt-4o-mini'],
  ] as const)('agrees with the package about %s %s within a micro-dollar', async (kind, modelId) => {
    const listed = await knownPrice(kind, modelId)
    const tokens = fc.nat(300_000)
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, (plain, cached, written, output) => {
        const counted = usage({
          inputTokens: plain + cached + written,
          cachedInputTokens: cached,
          cacheWriteTokens: written,
          outputTokens: output,
        })
        const theirs = calcPrice(
          {
            input_tokens: plain + cached + written,
            cache_read_tokens: cached,
            cache_write_tokens: written,
            output_tokens: output,
          },
          modelId,
          { providerId: kind, timestamp: new Date(autumn2026) },
        )
        const ours = priceCall(listed, counted)
        expect(Math.abs((ours ?? NaN) - (theirs?.total_price ?? NaN) * 1_000_000)).toBeLessThanOrEqual(0.501)
      }),
    )
  })
})
