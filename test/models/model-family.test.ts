import { expect, test } from 'vitest'
import {
  bareModelName,
  modelFamily,
  modelStanding,
  notConversational,
  parametersInBillions,
} from '../../src/models/model-family.ts'

test('a name is looked up without vendor, namespace and variant', () => {
  expect(bareModelName('openai/GPT-4o:free')).toBe('gpt-4o')
  expect(bareModelName('models/gemini-2.5-pro')).toBe('gemini-2.5-pro')
  expect(modelFamily('meta-llama/llama-3.3-70b-instruct')?.offers).toContain('tools')
  expect(modelFamily('nobody-knows-this')).toBeUndefined()
})

test('the narrow line wins over the wide one', () => {
  expect(modelStanding('gpt-5-nano', undefined).quality).toBeLessThan(modelStanding('gpt-5', undefined).quality)
  expect(modelFamily('claude-3-haiku-20240307')?.maxOutputTokens).toBe(4_096)
})

test.each([
  ['llama3.1:8b', 8],
  ['mixtral-8x7b-32768', 56],
  ['qwen2.5-0.5b', 0.5],
  ['smollm2:360m', 0.36],
  ['8.0B', 8],
  ['gpt-4o', null],
  ['claude-3-5-sonnet-20241022', null],
])('%s has %s billion parameters', (text, billions) => {
  expect(parametersInBillions(text)).toBe(billions)
})

test('more parameters mean more quality and less speed', () => {
  const small = modelStanding('qwen3:8b', '8.2B')
  const large = modelStanding('qwen3:32b', '32.8B')
  expect(large.quality).toBeGreaterThan(small.quality)
  expect(large.speed).toBeLessThan(small.speed)
})

test.each([
  'text-embedding-3-large',
  'whisper-1',
  'gpt-4o-audio-preview',
  'gpt-image-1',
  'tts-1-hd',
  'gemini-2.5-flash-image',
  'omni-moderation-latest',
  'llama-guard3:8b',
  'nomic-embed-text',
  'gpt-3.5-turbo-instruct-0914',
])('%s is no text model', (id) => {
  expect(notConversational('openai', id)).toMatch(/no text model/)
})

test('models that only the Responses API serves are out at OpenAI, and only there', () => {
  expect(notConversational('openai', 'gpt-5-pro')).toMatch(/Responses/)
  expect(notConversational('openai-compatible', 'qwen-codex')).toBeNull()
})

test.each(['gpt-5', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'llama3.2', 'codestral-latest', 'rehearsal'])(
  '%s holds a conversation',
  (id) => {
    expect(notConversational('openai', id)).toBeNull()
  },
)
