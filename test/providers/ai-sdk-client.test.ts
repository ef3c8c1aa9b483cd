import { afterEach, describe, expect, test } from 'vitest'
import type { ModelCall } from '../../src/providers/model-client.ts'
import { ProviderError } from '../../src/providers/model-client.ts'
import type { Provider } from '../../src/providers/provider.ts'
import type { HttpProviderKind } from '../../src/providers/vendor.ts'
import { startFakeModelServer, type FakeModelServer, type FakeReply } from '../support/fake-model-server.ts'
import { temporaryDirectory } from '../support/databases.ts'
import { providerManager, testProvider } from '../support/providers.ts'

const servers: FakeModelServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(respond: () => FakeReply) {
  const server = await startFakeModelServer({ respond })
  servers.push(server)
  return server
}

const call: ModelCall = {
  modelId: 'fake-model',
  system: 'You are a test.',
  messages: [{ role: 'user', text: 'Say hello.' }],
  tools: [],
  schema: null,
  maxOutputTokens: 100,
}
const schema = {
  type: 'object',
  properties: { answer: { type: 'number' } },
  required: ['answer'],
  additionalProperties: false,
}
const writeTool = {
  name: 'write',
  description: 'Writes a file',
  parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
}

async function send(
  provider: Provider,
  changes: Partial<ModelCall> = {},
  options: { signal?: AbortSignal; timeoutMs?: number } = {},
) {
  const client = await providerManager({ userConfigDir: temporaryDirectory() }).client(provider)
  return client.send({ ...call, ...changes }, { signal: new AbortController().signal, timeoutMs: 10_000, ...options })
}

async function failureOf(promise: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await promise.then(
    () => expect.fail('the call succeeded'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof ProviderError) return error
  throw error
}

const kinds: readonly HttpProviderKind[] = [
  'openai',
  'anthropic',
  'google',
  'mistral',
  'groq',
  'openrouter',
  'ollama',
  'openai-compatible',
]

describe.each(kinds)('a %s provider', (kind) => {
  test('replies with text and counted tokens', async () => {
    const server = await serve(() => ({
      text: 'Hello',
      usage: { inputTokens: 100, outputTokens: 20, cachedInputTokens: 40, reasoningTokens: 0 },
    }))
    const reply = await send(testProvider(kind, server.url))
    expect(reply).toMatchObject({ text: 'Hello', finish: 'stop', toolCalls: [] })
    expect(reply.usage).toMatchObject({ inputTokens: 100, outputTokens: 20, cachedInputTokens: 40 })
    expect(server.calls()).toHaveLength(1)
    expect(server.calls()[0]?.prompt).toContain('You are a test.')
  })

  test('returns tool calls without running anything, and takes their results', async () => {
    const server = await serve(() => ({ toolCalls: [{ name: 'write', input: { path: 'a.txt' } }] }))
    const reply = await send(testProvider(kind, server.url), { tools: [writeTool] })
    expect(reply.finish).toBe('tool_calls')
    expect(reply.toolCalls).toMatchObject([{ name: 'write', input: { path: 'a.txt' } }])
    await send(testProvider(kind, server.url), {
      tools: [writeTool],
      messages: [
        ...call.messages,
        { role: 'assistant', text: '', toolCalls: reply.toolCalls },
        { role: 'tool', callId: reply.toolCalls[0]?.id ?? '', name: 'write', output: 'written' },
      ],
    })
    expect(server.calls()[1]?.toolResults).toBe(1)
  })

  test('answers in the form of a schema', async () => {
    const server = await serve(() => ({ json: { answer: 42 } }))
    const reply = await send(testProvider(kind, server.url), { schema: { name: 'answer', schema } })
    expect(JSON.parse(reply.text)).toEqual({ answer: 42 })
  })

  test('asks once, whatever the status says about retries', async () => {
    const server = await serve(() => ({ status: 503, body: { error: { message: 'busy' } } }))
    const failure = await failureOf(send(testProvider(kind, server.url)))
    expect(failure).toMatchObject({ errorClass: 'overload', status: 503 })
    expect(server.calls()).toHaveLength(1)
  })
})

test('a schema is sent as such where the server takes one', async () => {
  const server = await serve(() => ({ json: { answer: 1 } }))
  await send(testProvider('ollama', server.url), { schema: { name: 'answer', schema } })
  expect(server.calls()[0]?.body?.['response_format']).toMatchObject({
    type: 'json_schema',
    json_schema: { name: 'answer', strict: true, schema },
  })
})

test('an open schema is not sent as strict', async () => {
  const server = await serve(() => ({ json: { answer: 1 } }))
  const { additionalProperties: _closed, ...open } = schema
  for (const kind of ['openai', 'openai-compatible'] as const) {
    await send(testProvider(kind, server.url), { schema: { name: 'answer', schema: open } })
    expect(server.calls().at(-1)?.body?.['response_format']).toMatchObject({ json_schema: { strict: false } })
  }
})

test('a model that takes no schema gets it in words', async () => {
  const server = await serve(() => ({ json: { answer: 1 } }))
  await send(testProvider('groq', server.url), { modelId: 'llama-3.3-70b', schema: { name: 'answer', schema } })
  expect(server.calls()[0]?.body?.['response_format']).toEqual({ type: 'json_object' })
  expect(server.calls()[0]?.prompt).toContain(JSON.stringify(schema))
})

test('JSON in a code fence is taken out of it', async () => {
  const server = await serve(() => ({ text: 'Here:\n```json\n{"answer": 7}\n```' }))
  const reply = await send(testProvider('ollama', server.url), { schema: { name: 'answer', schema } })
  expect(JSON.parse(reply.text)).toEqual({ answer: 7 })
})

describe('a reply that is none', () => {
  test.each([
    ['truncated', { text: 'Hel', finish: 'length' }, 'Hel'],
    ['refused', { text: 'no', finish: 'content_filter' }, 'no'],
    ['empty', { text: '  ' }, '  '],
  ] as const)('is %s', async (errorClass, reply, partialText) => {
    const server = await serve(() => ({ ...reply, usage: { inputTokens: 7, outputTokens: 3 } }))
    const failure = await failureOf(send(testProvider('openai', server.url)))
    expect(failure).toMatchObject({ errorClass, partialText })
    expect(failure.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 })
  })

  test('is malformed when it is not the JSON that was asked for, and keeps what it said and cost', async () => {
    const server = await serve(() => ({ text: 'no json here' }))
    const failure = await failureOf(send(testProvider('openai', server.url), { schema: { name: 'answer', schema } }))
    expect(failure).toMatchObject({ errorClass: 'malformed', partialText: 'no json here' })
    expect(failure.usage?.inputTokens).toBe(10)
  })

  test('is truncated when JSON was cut by the output limit', async () => {
    const server = await serve(() => ({ text: '{"answer":', finish: 'length' }))
    const failure = await failureOf(send(testProvider('openai', server.url), { schema: { name: 'answer', schema } }))
    expect(failure.errorClass).toBe('truncated')
  })

  test('is the error that a 200 carries in its body', async () => {
    const server = await serve(() => ({ status: 200, body: { error: { code: 429, message: 'slow down' } } }))
    const failure = await failureOf(send(testProvider('openrouter', server.url)))
    expect(failure.errorClass).toBe('rate')
  })

  test.each(['before-headers', 'mid-body'] as const)(
    'has an unknown outcome when the socket is cut %s',
    async (cut) => {
      const server = await serve(() => ({ text: 'x'.repeat(1000), cut }))
      const failure = await failureOf(send(testProvider('openai', server.url)))
      expect(failure.errorClass).toBe('unknown_outcome')
    },
  )
})

describe('no reply', () => {
  test('within the deadline is a hang, and the request is let go', async () => {
    const server = await serve(() => ({ hang: true }))
    const failure = await failureOf(send(testProvider('openai', server.url), {}, { timeoutMs: 100 }))
    expect(failure.errorClass).toBe('hang')
    await expect.poll(() => server.inFlight()).toBe(0)
  })

  test('because the caller aborted rejects with the reason of the caller', async () => {
    const server = await serve(() => ({ hang: true }))
    const stop = new AbortController()
    const sending = send(testProvider('openai', server.url), {}, { signal: stop.signal })
    await expect.poll(() => server.calls().length).toBe(1)
    stop.abort('cancelled')
    await expect(sending).rejects.toBe('cancelled')
  })

  test('because nothing listens on this machine is a matter of setup, with the command that helps', async () => {
    const server = await startFakeModelServer()
    await server.close()
    const failure = await failureOf(send(testProvider('ollama', server.url)))
    expect(failure.errorClass).toBe('config')
    expect(failure.hint).toContain('ollama serve')
  })
})

test('a redirect is not followed', async () => {
  const target = await serve(() => ({ text: 'stolen' }))
  const server = await serve(() => ({ status: 307, headers: { location: `${target.url}/v1/chat/completions` } }))
  const failure = await failureOf(send(testProvider('openai', server.url)))
  expect(failure).toMatchObject({ errorClass: 'config', status: 307 })
  expect(target.requests).toHaveLength(0)
})

test('a told delay reaches the error', async () => {
  const server = await serve(() => ({ status: 429, headers: { 'retry-after': '90' }, body: {} }))
  expect((await failureOf(send(testProvider('mistral', server.url)))).retryAfterMs).toBe(90_000)
})
