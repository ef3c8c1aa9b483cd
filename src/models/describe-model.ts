import type { StoredModel } from '../database/repositories/model-repository.ts'
import type { ListedModel, Provider } from '../providers/provider.ts'
import type { Model, ModelSpecs } from './model.ts'
import { observeCatalog, observeName } from './name-observations.ts'
import { noAiData, type AiData, type Observation } from './observation.ts'
import { placePrice } from './pricing.ts'
import { observeProviderData } from './provider-data.ts'
import { resolveSpecs, specObservations } from './resolve-specs.ts'

/** A model with all three layers, as the registry gives it. */
export interface RegisteredModel extends Model {
  /** In the table, rather than from the provider's list of this moment. */
  readonly stored: boolean
  readonly providerData: unknown
  readonly aiData: AiData
  /** The layer as it is kept; `specs` is the same with the catalog's price of this moment. */
  readonly keptSpecs: ModelSpecs
  /** Epoch milliseconds; null for a model that is not stored. */
  readonly firstSeenAt: number | null
  readonly lastSeenAt: number | null
}

/** A model of a provider's list, with its layers made anew. */
export async function describeListed(provider: Provider, listed: ListedModel, at: number): Promise<RegisteredModel> {
  const { aiData, specs } = await makeLayers(provider, listed, { at, previous: null })
  return {
    provider,
    modelId: listed.modelId,
    name: `${provider.id}/${listed.modelId}`,
    lifecycle: 'active',
    specs,
    stored: false,
    providerData: listed.data,
    aiData,
    keptSpecs: specs,
    firstSeenAt: null,
    lastSeenAt: null,
  }
}

export interface Layers {
  readonly aiData: AiData
  readonly specs: ModelSpecs
}

/**
 * Makes the layers `ai_data` and `specs` from what the provider says now and what was stored: an operator's
 * values and probes stay, everything else is found again.
 */
export async function makeLayers(
  provider: Provider,
  listed: ListedModel,
  { at, previous }: { readonly at: number; readonly previous: StoredModel | null },
): Promise<Layers> {
  const before = previous === null ? noAiData : readAiData(previous.aiData)
  const stated = observeProviderData(provider.kind, listed.data, at)
  const catalog = await observeCatalog(provider, listed.modelId, at)
  const probes = before.observations.filter((one) => one.source === 'probe')
  const observations = [...probes, ...observeName(provider, listed.modelId, at)]
  const operator = previous === null ? [] : operatorValues(readSpecs(previous.specs))
  const aiData = { observations, rejections: before.rejections }
  return { aiData, specs: resolveSpecs([...operator, ...observations, ...stated, ...catalog], before.rejections) }
}

/** A stored row as a model. What the catalog charges is looked up for this moment, because its prices are dated. */
export async function describeStored(provider: Provider, row: StoredModel, at: number): Promise<RegisteredModel> {
  return {
    provider,
    modelId: row.modelId,
    name: `${provider.id}/${row.modelId}`,
    lifecycle: row.lifecycle,
    specs: await priceOfNow(provider, row, at),
    stored: true,
    providerData: row.providerData,
    aiData: readAiData(row.aiData),
    keptSpecs: readSpecs(row.specs),
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: row.lastSeenAt,
  }
}

async function priceOfNow(provider: Provider, row: StoredModel, at: number): Promise<ModelSpecs> {
  const specs = readSpecs(row.specs)
  const source = specs.price?.source
  if (source === 'operator' || source === 'probe') return specs
  if (source === 'provider' && placePrice(provider) === null) return specs
  const catalog = await observeCatalog(provider, row.modelId, at)
  const { price } = resolveSpecs(catalog.filter((one) => one.field === 'price'))
  const { price: _stale, ...others } = specs
  return price === undefined ? others : { ...others, price }
}

/** The layer `specs` of a row; a row without any has no known values. */
function readSpecs(stored: unknown): ModelSpecs {
  const specs = stored as ModelSpecs | null
  return { capabilities: {}, ...specs }
}

/** The layer `ai_data` of a row. */
function readAiData(stored: unknown): AiData {
  return { ...noAiData, ...(stored as AiData | null) }
}

/** The values a person set. */
export function operatorValues(specs: ModelSpecs): readonly Observation[] {
  return specObservations(specs).filter((one) => one.source === 'operator')
}
