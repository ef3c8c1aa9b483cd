import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Price } from '../../src/models/model.ts'
import { catalogPrice, priceCall } from '../../src/models/pricing.ts'
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

async function knownPrice(kind: Parameters<typeof vendor>[0], modelId: string): Promise<Price> {
  const found = await catalogPrice(vendor(kind), modelId, autumn2026)
  if (found === null) throw new Error(`the catalog lost ${modelId}`)
  return found
}

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
