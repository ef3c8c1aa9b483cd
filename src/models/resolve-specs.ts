import { isDeepStrictEqual } from 'node:util'
import { modelNeeds, type ModelNeed } from '../domain/plan.ts'
import { specSources, type ModelSpecs, type Price, type Sourced } from './model.ts'
import { sizeFields, type Observation, type Rejection } from './observation.ts'

/** From this many tokens on a model counts as offering `long_context`. */
const longContextTokens = 100_000

/**
 * What orch uses: for each field the strongest source (operator, probe, provider, catalog, heuristic), among
 * equals the more confident and then the newer one. Rejected values are passed over, an operator's never.
 */
export function resolveSpecs(observations: readonly Observation[], rejections: readonly Rejection[] = []): ModelSpecs {
  const ranked = observations.filter((one) => !isRejected(one, rejections)).toSorted(stronger)
  const sizes = Object.fromEntries(
    sizeFields.flatMap((field) => {
      const best = ranked.find((one) => one.field === field)
      return best === undefined ? [] : [[field, bare(best)]]
    }),
  ) as Pick<ModelSpecs, 'contextTokens' | 'maxOutputTokens'>
  const price = ranked.find((one) => one.field === 'price')
  return {
    ...sizes,
    ...(price !== undefined && { price: bare(price) as Sourced<Price> }),
    capabilities: resolveCapabilities(ranked, sizes.contextTokens),
  }
}

/** Specs as observations again, so that stored ones can compete with newer findings. */
export function specObservations(specs: ModelSpecs): readonly Observation[] {
  const { contextTokens, maxOutputTokens, price, capabilities } = specs
  return [
    ...(contextTokens === undefined ? [] : [{ field: 'contextTokens' as const, ...contextTokens }]),
    ...(maxOutputTokens === undefined ? [] : [{ field: 'maxOutputTokens' as const, ...maxOutputTokens }]),
    ...(price === undefined ? [] : [{ field: 'price' as const, ...price }]),
    ...modelNeeds.flatMap((field) => {
      const value = capabilities[field]
      return value === undefined ? [] : [{ field, ...value }]
    }),
  ]
}

function resolveCapabilities(
  ranked: readonly Observation[],
  contextTokens: Sourced<number> | undefined,
): ModelSpecs['capabilities'] {
  const found: Partial<Record<ModelNeed, Sourced<boolean>>> = {}
  for (const need of modelNeeds) {
    const best = ranked.find((one) => one.field === need)
    if (best !== undefined) found[need] = bare(best) as Sourced<boolean>
  }
  // Long context follows from the window, unless somebody says otherwise.
  if (found.long_context === undefined && contextTokens !== undefined) {
    found.long_context = { ...contextTokens, value: contextTokens.value >= longContextTokens }
  }
  return found
}

function stronger(left: Observation, right: Observation): number {
  const bySource = specSources.indexOf(left.source) - specSources.indexOf(right.source)
  return bySource || right.confidence - left.confidence || right.at - left.at
}

function isRejected(one: Observation, rejections: readonly Rejection[]): boolean {
  if (one.source === 'operator') return false
  return rejections.some(
    (rejection) =>
      rejection.field === one.field && rejection.source === one.source && isDeepStrictEqual(rejection.value, one.value),
  )
}

function bare({ value, source, confidence, at }: Observation): Sourced<number | boolean | Price> {
  return { value, source, confidence, at }
}
