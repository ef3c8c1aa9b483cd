import { describe, expect, test } from 'vitest'
import type { ModelSpecs } from '../../src/models/model.ts'
import { observeProviderData, providerSaysText } from '../../src/models/provider-data.ts'
import { resolveSpecs } from '../../src/models/resolve-specs.ts'
import type { ProviderKind } from '../../src/providers/provider.ts'

const at = Date.UTC(2026, 10, 24)

/** What orch would use if the provider were its only source: values without their provenance. */
function stated(kind: ProviderKind, data: unknown) {
  const specs: ModelSpecs = resolveSpecs(observeProviderData(kind, data, at))
  return {
    context: specs.contextTokens?.value,
    output: specs.maxOutputTokens?.value,
    price: specs.price?.value,
    ...Object.fromEntries(Object.entries(specs.capabilities).map(([need, one]) => [need, one.value])),
  }
}

describe('what a provider says of a model', () => {
  test('OpenRouter: window, limits, parameters and dollars per token', () => {
    const data = {
      id: 'anthropic/claude-sonnet-4.5',
      context_length: 1_000_000,
      architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
      pricing: {
        prompt: '0.000003',
        completion: '0.000015',
        request: '0',
        internal_reasoning: '0',
        input_cache_read: '0.0000003',
        input_cache_write: '0.00000375',
      },
      top_provider: { context_length: 200_000, max_completion_tokens: 64_000 },
      supported_parameters: ['tools', 'structured_outputs', 'reasoning'],
    }
    expect(stated('openrouter', data)).toEqual({
      context: 200_000,
      output: 64_000,
      price: {
        inputUsdPerMillion: 3,
        outputUsdPerMillion: 15,
        cachedInputUsdPerMillion: 0.3,
        cacheWriteUsdPerMillion: 3.75,
        priceSource: 'openrouter',
        priceVersion: '2026-11-24',
      },
      tools: true,
      structured_output: true,
      vision: true,
      reasoning: true,
      long_context: true,
    })
    expect(providerSaysText('openrouter', data)).toBe(true)
  })

  test.each([
    [['tools', 'structured_outputs'], true],
    [['tools', 'response_format'], undefined],
    [['tools'], false],
  ])('OpenRouter: %j offer structured output: %s', (parameters, offered) => {
    const says = observeProviderData('openrouter', { supported_parameters: parameters }, at)
    expect(says.find(({ field }) => field === 'structured_output')?.value).toBe(offered)
  })

  test('OpenRouter: a price of -1 is unknown, a price of 0 is a price', () => {
    expect(stated('openrouter', { pricing: { prompt: '-1', completion: '-1' } }).price).toBeUndefined()
    expect(stated('openrouter', { pricing: { prompt: '0', completion: '0' } }).price).toMatchObject({
      inputUsdPerMillion: 0,
    })
  })

  test('Ollama: the served window before the trained one, and its capabilities', () => {
    const show = {
      capabilities: ['completion', 'tools', 'thinking'],
      model_info: { 'general.architecture': 'qwen3', 'qwen3.context_length': 40_960 },
      details: { parameter_size: '8.2B' },
    }
    expect(stated('ollama', { name: 'qwen3:8b', ...show })).toMatchObject({
      context: 40_960,
      tools: true,
      reasoning: true,
      vision: false,
      structured_output: true,
    })
    const limited = { name: 'qwen3:8b', show: { ...show, parameters: 'temperature 0.6\nnum_ctx 8192' } }
    expect(stated('ollama', limited).context).toBe(8192)
    expect(providerSaysText('ollama', { capabilities: ['embedding'] })).toBe(false)
  })

  test('Google, Mistral, Groq and Anthropic: their own field names', () => {
    expect(stated('google', { inputTokenLimit: 1_048_576, outputTokenLimit: 65_536, thinking: true })).toMatchObject({
      context: 1_048_576,
      output: 65_536,
      reasoning: true,
    })
    const mistral = { max_context_length: 131_072, capabilities: { function_calling: true, vision: false } }
    expect(stated('mistral', mistral)).toMatchObject({ context: 131_072, tools: true, vision: false })
    expect(stated('groq', { context_window: 131_072, max_completion_tokens: 32_768 })).toMatchObject({
      context: 131_072,
      output: 32_768,
    })
    const anthropic = { max_input_tokens: 200_000, max_tokens: 64_000, capabilities: { thinking: { supported: true } } }
    expect(stated('anthropic', anthropic)).toMatchObject({ context: 200_000, output: 64_000, reasoning: true })
  })

  test('vLLM, LM Studio and llama.cpp: what is served, before what was trained', () => {
    expect(stated('openai-compatible', { id: 'm', max_model_len: 16_384 }).context).toBe(16_384)
    const studio = {
      type: 'vlm',
      max_context_length: 131_072,
      loaded_context_length: 8_192,
      capabilities: ['tool_use'],
    }
    expect(stated('openai-compatible', studio)).toMatchObject({ context: 8_192, tools: true, vision: true })
    const meta = { n_ctx_train: 131_072 }
    expect(stated('openai-compatible', { meta }).context).toBe(131_072)
    const props = { default_generation_settings: { n_ctx: 4_096 }, chat_template_caps: { supports_tools: false } }
    expect(stated('openai-compatible', { meta, props })).toMatchObject({ context: 4_096, tools: false })
  })

  test.each([[null], ['text'], [[]], [{ context_length: 'large' }], [{ max_model_len: -1 }], [{ max_model_len: 0.5 }]])(
    'an entry of another shape says nothing: %j',
    (data) => {
      for (const kind of ['openrouter', 'ollama', 'google', 'openai-compatible'] as const) {
        expect(observeProviderData(kind, data, at)).toEqual([])
      }
    },
  )
})
