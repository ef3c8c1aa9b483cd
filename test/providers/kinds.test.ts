/** The wire protocols as somebody else reads them: the fake servers here are a third party's. */
import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ModelCall, ProviderError } from '../../src/providers/model-client.ts'
import type { HttpProviderKind } from '../../src/providers/vendor.ts'
import { temporaryDirectory } from '../support/databases.ts'
import { providerManager, testProvider } from '../support/providers.ts'

const mock = new LLMock({ port: 0 })
const usage = {
  prompt_tokens: 12,
  completion_tokens: 4,
  input_tokens: 12,
  output_tokens: 4,
  promptTokenCount: 12,
  candidatesTokenCount: 4,
}

beforeAll(async () => {
  mock.onMessage('say hello', { content: 'Hello from a third party', usage })
  mock.onMessage('use the tool', { toolCalls: [{ name: 'write', arguments: '{"path":"a.txt"}' }] })
  mock.onMessage('be limited', {
    error: { message: 'slow', type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    status: 429,
  })
  await mock.start()
})
afterAll(() => mock.stop())

const writeTool = {
  name: 'write',
  description: 'Writes a file',
  parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
}

const places: readonly (readonly [HttpProviderKind, string, string])[] = [
  ['openai', '/v1', 'gpt-5-mini'],
  ['anthropic', '/v1', 'claude-sonnet-4-5'],
  ['google', '/v1beta', 'gemini-2.5-flash'],
  ['ollama', '', 'llama3'],
]

describe.each(places)('%s at a third party', (kind, path, modelId) => {
  async function ask(text: string) {
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    const client = await manager.client(testProvider(kind, `${mock.url}${path}`))
    const call: ModelCall = {
      modelId,
      system: 'Be brief.',
      messages: [{ role: 'user', text }],
      tools: [writeTool],
      schema: null,
      maxOutputTokens: 50,
    }
    return client.send(call, { signal: new AbortController().signal, timeoutMs: 10_000 })
  }

  test('replies', async () => {
    expect(await ask('say hello')).toMatchObject({ text: 'Hello from a third party', finish: 'stop' })
  })

  test('calls a tool', async () => {
    const { toolCalls, finish } = await ask('use the tool')
    expect(finish).toBe('tool_calls')
    expect(toolCalls).toMatchObject([{ name: 'write', input: { path: 'a.txt' } }])
  })

  test('is limited', async () => {
    const failure = await ask('be limited').then(
      () => expect.fail('the call succeeded'),
      (error: ProviderError) => error,
    )
    expect(failure).toMatchObject({ errorClass: 'rate', status: 429 })
  })
})
