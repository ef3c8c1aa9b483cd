import { describe, expect, it } from 'vitest'
import { providerId, translateProvider } from '../../../src/database/adoption/translate-provider.ts'
import { translateProject, translateSettings, translateUsage } from '../../../src/database/adoption/translate-rows.ts'
import { hasSecret } from '../../../src/database/adoption/source-rows.ts'
import { withoutKeys } from '../../../src/database/adoption/without-keys.ts'
import { vendorKnowledge } from '../../../src/models/vendor-knowledge.ts'
import { kindOfForeignType } from '../../../src/providers/foreign-type.ts'

const knowledge = vendorKnowledge()

function provider(row: Readonly<Record<string, unknown>>) {
  return translateProvider(
    { id: 'p', label: null, type: 'openai', baseURL: null, [hasSecret]: null, ...row },
    knowledge,
  )
}

describe('a provider', () => {
  it.each([
    ['OpenAI', 'openai'],
    ['google_gemini', 'google'],
    ['Mistral AI', 'mistral'],
    ['LM-Studio', 'openai-compatible'],
    ['azure', null],
    ['constructor', null],
  ])('of type %s is of kind %s', (type, kind) => {
    expect(kindOfForeignType(type)).toBe(kind)
  })

  it('keeps its id where orch can use it, and else gets one made from it alone', () => {
    expect(providerId('clx3k2v9a0001')).toBe('clx3k2v9a0001')
    expect(providerId('My Provider!')).toMatch(/^my-provider-[0-9a-f]{8}$/)
    expect(providerId('My Provider!')).not.toBe(providerId('my provider'))
    expect(providerId('§')).toMatch(/^provider-[0-9a-f]{8}$/)
  })

  it('takes over no key: not from its address either', () => {
    expect(provider({ baseURL: 'https://user:secret@api.example/v1/?key=secret#secret' })).toMatchObject({
      provider: { baseUrl: 'https://api.example/v1', credential: null },
      notes: [expect.stringContaining('left out')],
    })
  })

  it('says why it cannot be imported', () => {
    expect(provider({ type: 'vllm' })).toEqual({ reason: expect.stringContaining('no base URL') })
    expect(provider({ baseURL: 'ftp://example' })).toEqual({ reason: expect.stringContaining('no http address') })
    expect(provider({ baseURL: 'nonsense' })).toEqual({ reason: expect.stringContaining('no http address') })
    expect(provider({ type: null })).toEqual({ reason: expect.stringContaining('(none)') })
  })

  it.each([
    ['openai', null, null, 'orch providers key p --env OPENAI_API_KEY'],
    ['ollama', 'http://127.0.0.1:11434', false, null],
    ['ollama', 'https://ollama.example', true, 'orch providers key p --env OLLAMA_API_KEY'],
    ['vllm', 'http://127.0.0.1:8000/v1', null, null],
    ['vllm', 'https://models.example/v1', true, 'orch providers key p'],
  ])('of type %s at %s, key there %s, asks for its key with %s', (type, baseURL, there, command) => {
    const translated = provider({ type, baseURL, [hasSecret]: there })
    expect('key' in translated ? (translated.key?.command ?? null) : translated).toBe(command)
  })
})

describe('JSON of the other application', () => {
  it('loses what is named or shaped like a key, and keeps counts of tokens', () => {
    expect(
      withoutKeys({
        api_key: 'a',
        nested: [{ Authorization: 'Bearer abcdefgh12345', clientSecret: 'b', accessToken: 'c' }],
        tokens: 5,
        max_tokens: 10,
        tokenizer: 'o200k',
        note: 'uses sk-abcdefgh12345678',
      }),
    ).toEqual({ nested: [{}], tokens: 5, max_tokens: 10, tokenizer: 'o200k', note: 'uses [redacted]' })
  })
})

describe('a booked call', () => {
  const reference = { providerId: 'p', modelId: 'm', projectId: null }
  const usage = (row: Readonly<Record<string, unknown>>) =>
    translateUsage({ id: 'u', promptTokens: 1, completionTokens: 2, cost: 0.25, createdAt: 5, ...row }, reference, 99)

  it.each([
    [0.25, 250_000, 'estimated'],
    [0, 0, 'estimated'],
    [0.0000004, 0, 'estimated'],
    [null, null, 'unknown'],
    [-1, null, 'unknown'],
    [Number.NaN, null, 'unknown'],
    [Number.POSITIVE_INFINITY, null, 'unknown'],
    [1e12, null, 'unknown'],
  ])('of cost %s is %s micro-dollars, %s', (cost, costMicroUsd, source) => {
    expect(usage({ cost })).toMatchObject({ costMicroUsd, source })
  })

  it('has no token count and no time that cannot be true', () => {
    expect(usage({ promptTokens: -1, completionTokens: 1.5, createdAt: Number.POSITIVE_INFINITY })).toMatchObject({
      inputTokens: null,
      outputTokens: null,
      createdAt: 99,
    })
  })
})

describe('a project', () => {
  it.each([
    ['active', 'draft'],
    ['completed', 'draft'],
    [' Archived', 'cancelled'],
    [null, 'draft'],
  ])('that was %s is %s, and never approved', (status, expected) => {
    const slugs = new Set(['a-name'])
    const row = { id: 'x', name: 'A name', description: 'Why', status, createdAt: 1, updatedAt: 2 }
    const project = translateProject(row, { slugs, workspace: '/tmp', nowMs: 3 })
    expect(project).toMatchObject({ slug: 'a-name-2', goal: 'A name: Why', status: expected, approvedHash: null })
    expect(slugs).toContain('a-name-2')
  })
})

describe('the strategies', () => {
  it.each([
    [['quality'], 'best'],
    [[{ name: 'x' }, { strategy: 'LOCAL_FIRST' }], 'local-first'],
    [{ type: 'speed' }, 'fastest'],
    [[{ type: 'cost', enabled: false }, 'balanced'], 'balanced'],
    [[{ weight: 2 }], undefined],
    [null, undefined],
  ])('%j mean the policy %s', (strategies, policy) => {
    const settings = translateSettings({ id: 'c', activeTableName: 't', strategies })
    expect(settings[0]).toEqual({ key: 'adopted.c', value: { activeTableName: 't', strategies } })
    expect(settings[1]?.value).toBe(policy)
  })
})
