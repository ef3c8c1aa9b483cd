import type { ModelSpecs, Sourced, SpecSource } from '../models/model.ts'
import type { Observation, SpecField } from '../models/observation.ts'
import type { Provider } from '../providers/provider.ts'

/** A value in use that cannot be right. */
export interface Contradiction {
  readonly field: SpecField
  readonly source: SpecSource
  readonly value: Observation['value']
  readonly reason: string
}

/** How far a provider's window may be from the catalog's before one of them has lost or gained a digit. */
const tenfold = 10

/** The first thing in the specs that cannot be right, or null. `catalog` is what the catalog says of the model. */
export function findContradiction(
  provider: Pick<Provider, 'local'>,
  specs: ModelSpecs,
  catalog: readonly Observation[],
): Contradiction | null {
  return oddWindow(provider, specs, catalog) ?? outputAboveWindow(specs) ?? freeThatCosts(specs, catalog)
}

function oddWindow(
  provider: Pick<Provider, 'local'>,
  { contextTokens }: ModelSpecs,
  catalog: readonly Observation[],
): Contradiction | null {
  const listed = sizeOf(catalog, 'contextTokens')
  // A local server may well serve a tenth of what the model can do, and a probe measured it.
  if (provider.local || contextTokens === undefined || listed === undefined) return null
  if (contextTokens.source === 'probe' || contextTokens.source === 'catalog') return null
  const ratio = Math.max(contextTokens.value / listed, listed / contextTokens.value)
  if (ratio < tenfold) return null
  return contradiction('contextTokens', contextTokens, `the catalog says ${listed}: a digit too many or too few`)
}

function outputAboveWindow({ contextTokens, maxOutputTokens }: ModelSpecs): Contradiction | null {
  if (contextTokens === undefined || maxOutputTokens === undefined) return null
  if (maxOutputTokens.value <= contextTokens.value) return null
  const reason = `an output of ${maxOutputTokens.value} does not fit into a context of ${contextTokens.value}`
  // What a person set stands; the other value must be the wrong one.
  return maxOutputTokens.source === 'operator'
    ? contradiction('contextTokens', contextTokens, reason)
    : contradiction('maxOutputTokens', maxOutputTokens, reason)
}

function freeThatCosts({ price }: ModelSpecs, catalog: readonly Observation[]): Contradiction | null {
  if (price === undefined || price.source === 'catalog') return null
  const { inputUsdPerMillion, outputUsdPerMillion } = price.value
  const listed = catalog.find((one) => one.field === 'price')?.value
  const charges = listed !== undefined && listed.inputUsdPerMillion + listed.outputUsdPerMillion > 0
  if (!charges || inputUsdPerMillion + outputUsdPerMillion > 0) return null
  return contradiction('price', price, `free, where the catalog charges $${listed.outputUsdPerMillion} per million`)
}

function contradiction(field: SpecField, found: Sourced<Observation['value']>, reason: string): Contradiction {
  return { field, source: found.source, value: found.value, reason }
}

function sizeOf(observations: readonly Observation[], field: 'contextTokens'): number | undefined {
  const sizes = observations.filter((one) => one.field === field).toSorted((a, b) => b.confidence - a.confidence)
  return sizes[0]?.value as number | undefined
}
