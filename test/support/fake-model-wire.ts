/** How each wire protocol writes a reply and a model list. */
import type { FakeReply, FakeRequest, FakeUsage } from './fake-model-server.ts'

export type FakeProtocol = 'openai' | 'anthropic' | 'ollama' | 'google'

/** The protocol of a request, by its path and, where OpenAI's and Anthropic's agree, by its headers. */
export function protocolOf(path: string, headers: Readonly<Record<string, unknown>>): FakeProtocol {
  if (path.startsWith('/api/')) return 'ollama'
  if (path.endsWith('/messages') || headers['anthropic-version'] !== undefined) return 'anthropic'
  if (path.includes(':generateContent') || headers['x-goog-api-key'] !== undefined) return 'google'
  return 'openai'
}

const writers = {
  openai: openAiReply,
  ollama: openAiReply,
  anthropic: anthropicReply,
  google: googleReply,
}

/** The body of a successful reply. */
export function renderReply(request: FakeRequest, reply: FakeReply): unknown {
  const text = reply.json === undefined ? (reply.text ?? '') : JSON.stringify(reply.json)
  return writers[request.protocol](request, { ...reply, text })
}

/** The body of a model list, or of Ollama's description of one model. */
export function renderModels(
  request: FakeRequest,
  models: readonly (string | Readonly<Record<string, unknown>>)[],
): FakeReply {
  if (request.path === '/api/show') return showModel(request, models)
  if (request.path === '/api/tags') return { body: { models: models.map((model) => entry(model, ollamaEntry)) } }
  if (request.path === '/api/version') return { body: { version: '0.20.0' } }
  if (!request.path.endsWith('/models'))
    return { status: 404, body: { error: { message: `no route ${request.path}` } } }
  if (request.protocol === 'google') return { body: { models: models.map((model) => entry(model, googleEntry)) } }
  if (request.protocol === 'anthropic') {
    return { body: { data: models.map((model) => entry(model, anthropicEntry)), has_more: false } }
  }
  return { body: { object: 'list', data: models.map((model) => entry(model, openAiEntry)) } }
}

function entry(
  model: string | Readonly<Record<string, unknown>>,
  build: (id: string) => Record<string, unknown>,
): Readonly<Record<string, unknown>> {
  return typeof model === 'string' ? build(model) : model
}

const openAiEntry = (id: string) => ({
  id,
  object: 'model',
  created: 1_700_000_000,
  owned_by: 'fake',
})
const anthropicEntry = (id: string) => ({
  type: 'model',
  id,
  display_name: id,
  created_at: '2026-01-01T00:00:00Z',
})
const ollamaEntry = (id: string) => ({
  name: id,
  model: id,
  size: 4_000_000_000,
  details: { family: 'fake' },
})
const googleEntry = (id: string) => ({
  name: `models/${id}`,
  displayName: id,
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: ['generateContent'],
})

function showModel(request: FakeRequest, models: readonly (string | Readonly<Record<string, unknown>>)[]): FakeReply {
  const name = request.body?.['model'] as string | undefined
  const known = models.some((model) => (typeof model === 'string' ? model : model['name']) === name)
  if (!known) return { status: 404, body: { error: `model '${name}' not found` } }
  return {
    body: {
      details: { family: 'fake' },
      model_info: { 'general.architecture': 'fake', 'fake.context_length': 32_768 },
      capabilities: ['completion', 'tools'],
    },
  }
}

function usageOf(usage: FakeUsage | undefined) {
  const {
    inputTokens = 10,
    outputTokens = 5,
    cachedInputTokens = 0,
    cacheWriteTokens = 0,
    reasoningTokens = 0,
  } = usage ?? {}
  return { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens }
}

function openAiReply(request: FakeRequest, reply: FakeReply): unknown {
  const usage = usageOf(reply.usage)
  const toolCalls = reply.toolCalls?.map(({ id, name, input }, index) => ({
    id: id ?? `call_${request.callNumber}_${index}`,
    type: 'function',
    function: { name, arguments: typeof input === 'string' ? input : JSON.stringify(input) },
  }))
  return {
    id: `chatcmpl-${request.callNumber}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model: request.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.text ?? '',
          ...(toolCalls ? { tool_calls: toolCalls } : {}),
        },
        finish_reason: reply.finish ?? (toolCalls ? 'tool_calls' : 'stop'),
      },
    ],
    usage: {
      prompt_tokens: usage.inputTokens,
      completion_tokens: usage.outputTokens,
      total_tokens: usage.inputTokens + usage.outputTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
      completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    },
  }
}

/** Structured output is asked for as a tool called `json` by models that have no output format. */
function anthropicReply(request: FakeRequest, reply: FakeReply): unknown {
  const usage = usageOf(reply.usage)
  const asJsonTool = reply.json !== undefined && request.tools.includes('json')
  const toolCalls = asJsonTool ? [{ name: 'json', input: reply.json, id: undefined }] : (reply.toolCalls ?? [])
  const text = asJsonTool || reply.text === undefined || reply.text === '' ? [] : [{ type: 'text', text: reply.text }]
  return {
    id: `msg_${request.callNumber}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [
      ...text,
      ...toolCalls.map(({ id, name, input }, index) => ({
        type: 'tool_use',
        id: id ?? `toolu_${request.callNumber}_${index}`,
        name,
        input,
      })),
    ],
    stop_reason: reply.finish ?? (toolCalls.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: {
      // Anthropic counts cached tokens apart from input_tokens.
      input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
      output_tokens: usage.outputTokens,
      cache_read_input_tokens: usage.cachedInputTokens,
      cache_creation_input_tokens: usage.cacheWriteTokens,
    },
  }
}

function googleReply(_request: FakeRequest, reply: FakeReply): unknown {
  const usage = usageOf(reply.usage)
  const text = reply.text === undefined || reply.text === '' ? [] : [{ text: reply.text }]
  const calls = reply.toolCalls?.map(({ name, input }) => ({ functionCall: { name, args: input } })) ?? []
  return {
    candidates: [
      {
        content: { role: 'model', parts: [...text, ...calls] },
        finishReason: reply.finish ?? 'STOP',
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: usage.inputTokens,
      candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
      cachedContentTokenCount: usage.cachedInputTokens,
      thoughtsTokenCount: usage.reasoningTokens,
      totalTokenCount: usage.inputTokens + usage.outputTokens,
    },
  }
}
