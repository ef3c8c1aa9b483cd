import { describe, expect, it } from 'vitest'
import { ProviderLookup } from '../../../src/database/adoption/provider-lookup.ts'
import type { StoredProvider } from '../../../src/database/repositories/provider-config-repository.ts'
import { vendorKnowledge } from '../../../src/models/vendor-knowledge.ts'

function stored(id: string, label: string, kind: string): StoredProvider {
  const limits = { requestsPerMinute: null, tokensPerMinute: null, maxConcurrency: null }
  return { id, label, kind, baseUrl: null, credential: null, ...limits, enabled: true }
}

describe('the provider that a row means', () => {
  const lookup = new ProviderLookup(vendorKnowledge())
  lookup.add('C1', 'OPENAI', stored('c1-0a', 'Work', 'openai'))
  lookup.add('c2', 'openai', stored('c2', 'Home', 'openai'))
  lookup.add('c3', 'gemini', stored('c3', 'Gem', 'google'))

  it.each([
    ['C1', 'c1-0a'],
    ['home', 'c2'],
    ['Gemini', 'c3'],
    ['google', 'c3'],
    ['groq', 'groq'],
  ])('by %s is %s', (name, id) => {
    expect(lookup.find(name)).toMatchObject({ id })
  })

  it.each([
    ['openai', 'several providers are called openai'],
    ['c9', 'its provider c9 was not imported'],
    ['vllm', 'its provider vllm was not imported'],
  ])('by %s is none: %s', (name, reason) => {
    expect(lookup.find(name)).toEqual({ reason })
  })

  it('is every one of a vendor where the vendor is meant', () => {
    expect(lookup.all('openai').map(({ id }) => id)).toEqual(['c1-0a', 'c2'])
  })
})
