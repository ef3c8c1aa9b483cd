import { isDeepStrictEqual } from 'node:util'
import { operatorValues, type RegisteredModel } from '../models/describe-model.ts'
import type { ModelSpecs, Price, Sourced } from '../models/model.ts'
import { notConversational } from '../models/model-family.ts'
import type { LayerChange, ModelFilter, ModelRegistry } from '../models/model-registry.ts'
import { observeCatalog, observeName } from '../models/name-observations.ts'
import type { Observation, Rejection, SpecField } from '../models/observation.ts'
import { observeProviderData, providerSaysText } from '../models/provider-data.ts'
import { resolveSpecs, specObservations } from '../models/resolve-specs.ts'
import { findContradiction, type Contradiction } from './contradiction.ts'

type ModelProblem = 'missing' | 'contradictory' | 'stale'

/** One value of one model that is not as it should be. */
export interface ModelFinding {
  readonly model: RegisteredModel
  /** `listing` is the provider's list itself. */
  readonly field: SpecField | 'listing'
  readonly problem: ModelProblem
  readonly reason: string
  readonly before: Sourced<Observation['value']> | null
  /** What `heal` puts in its place; null where nothing better is known. */
  readonly after: Sourced<Observation['value']> | null
}

export interface Examination {
  readonly examined: number
  readonly findings: readonly ModelFinding[]
  /** New layers of the stored models that can be healed. */
  readonly cures: readonly LayerChange[]
}

const fields = [
  'contextTokens',
  'maxOutputTokens',
  'price',
  'tools',
  'structured_output',
  'vision',
  'reasoning',
] as const
/** Fields without which a model cannot be chosen or paid with certainty. */
const essential: ReadonlySet<SpecField> = new Set(['contextTokens', 'price', 'tools'])
const staleAfterMs = 30 * 86_400_000
/** One value rules out another at most this often. */
const mostRejections = 4

/**
 * ModelDoctor: finds values of models that are missing, cannot be right, or are out of date, and replaces them
 * by the next best source. It never changes what an operator set, and keeps what it ruled out, so that the
 * next sync does not bring it back. It asks nobody: providers' data, catalog and names are all it uses.
 */
export class ModelDoctor {
  readonly #registry: ModelRegistry

  constructor(registry: ModelRegistry) {
    this.#registry = registry
  }

  /** Examines every text model that passes the filter. Changes nothing. */
  async examine(filter: ModelFilter = {}, signal?: AbortSignal): Promise<Examination> {
    const models = (await this.#registry.list(filter, signal)).filter(isTextModel)
    const at = this.#registry.now()
    const results = await Promise.all(models.map((model) => examineModel(model, at)))
    return {
      examined: models.length,
      findings: results.flatMap((result) => result.findings),
      cures: results.flatMap((result) => (result.cure === null ? [] : [result.cure])),
    }
  }

  /** Stores the cures of an examination. Returns how many models changed. Throws ORCH_TABLE_MISSING. */
  async heal({ cures }: Examination): Promise<number> {
    if (cures.length > 0) await this.#registry.replaceLayers(cures)
    return cures.length
  }
}

function isTextModel({ provider, modelId, providerData, lifecycle }: RegisteredModel): boolean {
  if (lifecycle !== 'active') return false
  return providerSaysText(provider.kind, providerData) !== false && notConversational(provider.kind, modelId) === null
}

interface Result {
  readonly findings: readonly ModelFinding[]
  readonly cure: LayerChange | null
}

async function examineModel(model: RegisteredModel, at: number): Promise<Result> {
  const { provider, modelId, aiData, keptSpecs } = model
  const catalog = await observeCatalog(provider, modelId, at)
  const observations = [
    ...operatorValues(keptSpecs),
    ...aiData.observations.filter((one) => one.source === 'probe'),
    ...observeProviderData(provider.kind, model.providerData, model.lastSeenAt ?? at),
    ...catalog,
    ...observeName(provider, modelId, at),
  ]
  const { specs, rejections, untouchable } = settle(model, { observations, catalog, at })
  const compared = fields.flatMap((field) => compare(model, field, { specs, rejections, untouchable }))
  const healable = compared.some((finding) => !isDeepStrictEqual(finding.before, finding.after))
  const cure = model.stored && healable ? { model, specs, aiData: { ...aiData, rejections } } : null
  return { findings: [...compared, ...unseen(model, at)], cure }
}

interface Evidence {
  readonly observations: readonly Observation[]
  readonly catalog: readonly Observation[]
  readonly at: number
}

interface Settled {
  readonly specs: ModelSpecs
  readonly rejections: readonly Rejection[]
  /** A contradiction in what an operator set, which stays. */
  readonly untouchable: Contradiction | null
}

/** Rules out one contradiction after the other until what is left fits together. */
function settle(model: RegisteredModel, { observations, catalog, at }: Evidence): Settled {
  let rejections = model.aiData.rejections
  for (let round = 0; ; round++) {
    const specs = resolveSpecs(observations, rejections)
    const wrong = findContradiction(model.provider, specs, catalog)
    if (wrong === null) return { specs, rejections, untouchable: null }
    if (wrong.source === 'operator' || round === mostRejections) return { specs, rejections, untouchable: wrong }
    rejections = [...rejections, { ...wrong, at }]
  }
}

function compare(model: RegisteredModel, field: (typeof fields)[number], settled: Settled): readonly ModelFinding[] {
  const before = valueOf(model.keptSpecs, field)
  const after = valueOf(settled.specs, field)
  const found = (problem: ModelProblem, reason: string) => [{ model, field, problem, reason, before, after }]
  if (settled.untouchable?.field === field) {
    return found('contradictory', `${settled.untouchable.reason}; an operator set it, so it stays`)
  }
  if (before === null) {
    if (after !== null) return found('missing', `the ${after.source} knows it`)
    return essential.has(field) ? found('missing', 'nobody knows it') : []
  }
  const rejection = settled.rejections.find(
    (one) => one.field === field && one.source === before.source && isDeepStrictEqual(one.value, before.value),
  )
  if (rejection !== undefined) return found('contradictory', rejection.reason)
  if (after === null || isSameValue(before.value, after.value)) return []
  return found('stale', `the ${after.source} says something else now`)
}

/** The version of a price is not part of what it says. */
function isSameValue(left: Observation['value'], right: Observation['value']): boolean {
  return isDeepStrictEqual(withoutVersion(left), withoutVersion(right))
}

function withoutVersion(value: Observation['value']): unknown {
  return typeof value === 'object' ? ({ ...value, priceVersion: '' } satisfies Price) : value
}

function valueOf(specs: ModelSpecs, field: SpecField): Sourced<Observation['value']> | null {
  const found = specObservations(specs).find((one) => one.field === field)
  if (found === undefined) return null
  const { value, source, confidence, at } = found
  return { value, source, confidence, at }
}

function unseen(model: RegisteredModel, at: number): readonly ModelFinding[] {
  const age = model.lastSeenAt === null ? 0 : at - model.lastSeenAt
  if (age < staleAfterMs) return []
  const days = Math.floor(age / 86_400_000)
  const reason = `its provider was last asked ${days} days ago: orch models sync ${model.provider.id}`
  return [{ model, field: 'listing', problem: 'stale', reason, before: null, after: null }]
}
