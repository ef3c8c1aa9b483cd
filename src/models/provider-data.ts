/**
 * What a provider's own list entry says about a model. Each reader names the endpoint its fields come from;
 * entries of servers that speak OpenAI's protocol are tried against every known dialect.
 */
import type { ProviderKind } from '../providers/provider.ts'
import { Observer, type Observation } from './observation.ts'
import type { Price } from './model.ts'
import { textAt, textsAt, valueAt } from './verbatim.ts'

type Reader = (data: unknown, observer: Observer) => void

/** openrouter.ai/docs: GET /api/v1/models. Prices are dollars per token as text; -1 means "depends". */
const readOpenRouter: Reader = (data, observer) => {
  observer.size(
    'contextTokens',
    valueAt(data, 'top_provider', 'context_length') ?? valueAt(data, 'context_length'),
    0.9,
  )
  observer.size('maxOutputTokens', valueAt(data, 'top_provider', 'max_completion_tokens'), 0.9)
  const parameters = textsAt(data, 'supported_parameters')
  if (parameters !== undefined) {
    observer.capability('tools', parameters.includes('tools'), 0.9)
    // `response_format` alone promises JSON, not a schema; it may or may not be more.
    const says =
      parameters.includes('structured_outputs') || (parameters.includes('response_format') ? undefined : false)
    observer.capability('structured_output', says, 0.9)
    observer.capability('reasoning', parameters.includes('reasoning'), 0.9)
  }
  const modalities = textsAt(data, 'architecture', 'input_modalities')
  if (modalities !== undefined) observer.capability('vision', modalities.includes('image'), 0.9)
  observer.price(openRouterPrice(data, observer.at), 0.95)
}

function openRouterPrice(data: unknown, at: number): Price | null {
  const rate = (key: string): number | null => {
    const text = textAt(data, 'pricing', key)
    const usd = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
    // Rounded because 0.0000025 x 1e6 is not exactly 2.5 in floating point.
    return Number.isFinite(usd) && usd >= 0 ? Number((usd * 1_000_000).toFixed(6)) : null
  }
  const input = rate('prompt')
  const output = rate('completion')
  if (input === null || output === null) return null
  const perCall = rate('request')
  const reasoning = rate('internal_reasoning')
  return {
    inputUsdPerMillion: input,
    outputUsdPerMillion: output,
    cachedInputUsdPerMillion: rate('input_cache_read'),
    cacheWriteUsdPerMillion: rate('input_cache_write'),
    // A 0 beside a price for output means "no separate price", not "free".
    ...(reasoning !== null && reasoning > 0 && { reasoningUsdPerMillion: reasoning }),
    ...(perCall !== null && perCall > 0 && { perCallUsd: perCall / 1_000_000 }),
    priceSource: 'openrouter',
    priceVersion: new Date(at).toISOString().slice(0, 10),
  }
}

/** Ollama, docs/api.md: POST /api/show, merged into the entry of /api/tags or under `show`. */
const readOllama: Reader = (data, observer) => {
  const show = valueAt(data, 'show') ?? data
  const served = /^\s*num_ctx\s+(\d+)/m.exec(textAt(show, 'parameters') ?? '')?.[1]
  observer.size('contextTokens', served === undefined ? undefined : Number(served), 0.9)
  const architecture = textAt(show, 'model_info', 'general.architecture')
  // What the model was trained for, not what the server was given memory for.
  if (architecture !== undefined && served === undefined) {
    observer.size('contextTokens', valueAt(show, 'model_info', `${architecture}.context_length`), 0.5)
  }
  const capabilities = textsAt(show, 'capabilities')
  if (capabilities === undefined) return
  observer.capability('tools', capabilities.includes('tools'), 0.9)
  observer.capability('vision', capabilities.includes('vision'), 0.9)
  observer.capability('reasoning', capabilities.includes('thinking'), 0.9)
  // The server constrains any model's output to a schema by grammar.
  if (capabilities.includes('completion')) observer.capability('structured_output', true, 0.8)
}

/** ai.google.dev/api/models: GET /v1beta/models. */
const readGoogle: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'inputTokenLimit'), 0.95)
  observer.size('maxOutputTokens', valueAt(data, 'outputTokenLimit'), 0.95)
  observer.capability('reasoning', valueAt(data, 'thinking'), 0.9)
}

/** docs.mistral.ai/api: GET /v1/models. */
const readMistral: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'max_context_length'), 0.95)
  observer.capability('tools', valueAt(data, 'capabilities', 'function_calling'), 0.95)
  observer.capability('vision', valueAt(data, 'capabilities', 'vision'), 0.95)
  observer.capability('reasoning', valueAt(data, 'capabilities', 'reasoning'), 0.95)
}

/** docs.anthropic.com: GET /v1/models; older entries carry none of these. */
const readAnthropic: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'max_input_tokens'), 0.95)
  observer.size('maxOutputTokens', valueAt(data, 'max_tokens'), 0.95)
  observer.capability('vision', valueAt(data, 'capabilities', 'image_input', 'supported'), 0.95)
  observer.capability('reasoning', valueAt(data, 'capabilities', 'thinking', 'supported'), 0.95)
  observer.capability('structured_output', valueAt(data, 'capabilities', 'structured_outputs', 'supported'), 0.95)
}

/** console.groq.com/docs/models: GET /openai/v1/models. */
const readGroq: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'context_window'), 0.95)
  observer.size('maxOutputTokens', valueAt(data, 'max_completion_tokens'), 0.95)
}

/** llama.cpp, tools/server/README.md: GET /v1/models (`meta`) and GET /props (under `props`). */
const readLlamaServer: Reader = (data, observer) => {
  const served = valueAt(data, 'props', 'default_generation_settings', 'n_ctx') ?? valueAt(data, 'meta', 'n_ctx')
  observer.size('contextTokens', served, 0.95)
  if (served === undefined) observer.size('contextTokens', valueAt(data, 'meta', 'n_ctx_train'), 0.4)
  observer.capability('tools', valueAt(data, 'props', 'chat_template_caps', 'supports_tools'), 0.9)
  observer.capability('vision', valueAt(data, 'props', 'modalities', 'vision'), 0.95)
}

/** vLLM, OpenAI-compatible server: GET /v1/models. */
const readVllm: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'max_model_len'), 0.95)
}

/** LM Studio, REST API v0: GET /api/v0/models. `loaded_context_length` is what it serves now. */
const readLmStudio: Reader = (data, observer) => {
  const loaded = valueAt(data, 'loaded_context_length')
  observer.size('contextTokens', loaded, 0.95)
  if (loaded === undefined) observer.size('contextTokens', valueAt(data, 'max_context_length'), 0.5)
  const capabilities = textsAt(data, 'capabilities')
  if (capabilities !== undefined) observer.capability('tools', capabilities.includes('tool_use'), 0.9)
  if (textAt(data, 'type') === 'vlm') observer.capability('vision', true, 0.95)
}

/** orch's own simulated model. */
const readRehearsal: Reader = (data, observer) => {
  observer.size('contextTokens', valueAt(data, 'context_length'), 1)
}

const readers: Readonly<Record<ProviderKind, readonly Reader[]>> = {
  openai: [],
  anthropic: [readAnthropic],
  google: [readGoogle],
  mistral: [readMistral],
  groq: [readGroq],
  openrouter: [readOpenRouter],
  ollama: [readOllama],
  'openai-compatible': [readLlamaServer, readVllm, readLmStudio, readGroq, readOpenRouter],
  rehearsal: [readRehearsal],
}

/** What the provider says of its model, at the time it said it (epoch milliseconds). */
export function observeProviderData(kind: ProviderKind, data: unknown, at: number): readonly Observation[] {
  const observer = new Observer('provider', at)
  for (const read of readers[kind]) read(data, observer)
  return observer.observations
}

/** Whether the provider itself says that the model answers with text, or undefined where it does not say. */
export function providerSaysText(kind: ProviderKind, data: unknown): boolean | undefined {
  if (kind === 'google') return textsAt(data, 'supportedGenerationMethods')?.includes('generateContent')
  if (kind === 'ollama') {
    return (textsAt(data, 'show', 'capabilities') ?? textsAt(data, 'capabilities'))?.includes('completion')
  }
  if (kind === 'mistral') {
    const chat = valueAt(data, 'capabilities', 'completion_chat')
    return typeof chat === 'boolean' ? chat : undefined
  }
  const type = textAt(data, 'type')
  if (type === 'embeddings' || type === 'embedding') return false
  return textsAt(data, 'architecture', 'output_modalities')?.includes('text')
}
