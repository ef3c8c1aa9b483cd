import { expect, test } from 'vitest'
import type { SpecSource } from '../../src/models/model.ts'
import type { Observation } from '../../src/models/observation.ts'
import { resolveSpecs, specObservations } from '../../src/models/resolve-specs.ts'

const context = (source: SpecSource, value: number, confidence = 0.5, at = 1): Observation => ({
  field: 'contextTokens',
  source,
  value,
  confidence,
  at,
})

test('operator beats probe beats provider beats catalog beats heuristic, whatever their confidence', () => {
  const order: SpecSource[] = ['operator', 'probe', 'provider', 'catalog', 'heuristic']
  for (let first = 0; first < order.length; first++) {
    const left = order.slice(first).map((source, index) => context(source, 1000 + index, index / 10))
    expect(resolveSpecs(left.toReversed()).contextTokens).toMatchObject({ source: order[first], value: 1000 })
  }
})

test('among equals the more confident, then the newer one counts', () => {
  expect(resolveSpecs([context('catalog', 1, 0.8), context('catalog', 2, 0.9)]).contextTokens?.value).toBe(2)
  expect(resolveSpecs([context('probe', 1, 0.5, 1), context('probe', 2, 0.5, 9)]).contextTokens?.value).toBe(2)
})

test('a rejected value is passed over until its source says something else', () => {
  const rejected = [{ field: 'contextTokens' as const, source: 'provider' as const, value: 20_000, reason: '', at: 1 }]
  const catalog = context('catalog', 200_000)
  expect(resolveSpecs([context('provider', 20_000), catalog], rejected).contextTokens?.value).toBe(200_000)
  expect(resolveSpecs([context('provider', 180_000), catalog], rejected).contextTokens?.value).toBe(180_000)
  expect(resolveSpecs([context('operator', 20_000), catalog], rejected).contextTokens?.value).toBe(20_000)
})

test('long context follows from the window unless somebody says otherwise', () => {
  expect(resolveSpecs([context('provider', 100_000)]).capabilities.long_context).toMatchObject({ value: true })
  expect(resolveSpecs([context('provider', 99_999)]).capabilities.long_context).toMatchObject({ value: false })
  expect(resolveSpecs([]).capabilities.long_context).toBeUndefined()
})

test('what is unknown stays unknown', () => {
  expect(resolveSpecs([])).toEqual({ capabilities: {} })
})

test('specs turn into observations and back', () => {
  const specs = resolveSpecs([
    context('operator', 5),
    { field: 'tools', source: 'probe', value: false, confidence: 1, at: 3 },
  ])
  expect(resolveSpecs(specObservations(specs))).toEqual(specs)
})
