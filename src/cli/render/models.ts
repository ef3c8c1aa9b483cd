import type { RegisteredModel } from '../../models/describe-model.ts'
import type { ModelSpecs, Price, Sourced } from '../../models/model.ts'
import type { Observation, Rejection } from '../../models/observation.ts'
import { specObservations } from '../../models/resolve-specs.ts'
import { iso } from './json.ts'
import { plain } from './plain.ts'
import { table, type TableOptions } from './table.ts'

/** A model as lists print it with `--json`. */
export function modelDocument(model: RegisteredModel) {
  return {
    name: model.name,
    provider: model.provider.id,
    modelId: model.modelId,
    lifecycle: model.lifecycle,
    stored: model.stored,
    firstSeenAt: iso(model.firstSeenAt),
    lastSeenAt: iso(model.lastSeenAt),
    specs: specsDocument(model.specs),
  }
}

function specsDocument({ contextTokens, maxOutputTokens, price, capabilities }: ModelSpecs) {
  return {
    contextTokens: sourcedDocument(contextTokens),
    maxOutputTokens: sourcedDocument(maxOutputTokens),
    price: sourcedDocument(price),
    capabilities: Object.fromEntries(
      Object.entries(capabilities).map(([need, offered]) => [need, sourcedDocument(offered)]),
    ),
  }
}

function sourcedDocument<T>(sourced: Sourced<T> | undefined) {
  return sourced === undefined ? null : { ...sourced, at: iso(sourced.at) }
}

/** A model with its three layers as `models show --json` prints it. */
export function layersDocument(model: RegisteredModel) {
  const { observations, rejections } = model.aiData
  return {
    ...modelDocument(model),
    aiData: {
      observations: observations.map((one) => ({ ...one, at: iso(one.at) })),
      rejections: rejections.map((one) => ({ ...one, at: iso(one.at) })),
    },
    providerData: model.providerData,
  }
}

/** Models as a table, one a line. */
export function modelsText(models: readonly RegisteredModel[], options: TableOptions): string {
  if (models.length === 0) return 'No model fits'
  const head = ['model', 'context', 'output', '$ in', '$ out', 'offers', 'state']
  return table(
    head,
    models.map((model) => {
      const { contextTokens, maxOutputTokens, price, capabilities } = model.specs
      const offers = Object.entries(capabilities).flatMap(([need, offered]) => (offered.value ? [need] : []))
      return [
        model.name,
        contextTokens === undefined ? '?' : shortCount(contextTokens.value),
        maxOutputTokens === undefined ? '?' : shortCount(maxOutputTokens.value),
        price === undefined ? '?' : usd(price.value.inputUsdPerMillion),
        price === undefined ? '?' : usd(price.value.outputUsdPerMillion),
        offers.join(', ') || null,
        model.stored ? model.lifecycle : 'live',
      ]
    }),
    options,
  )
}

/** The three layers as text; the provider's own entry last, because it may be long. */
export function layersText(model: RegisteredModel, { paintHead = String, width }: TableOptions): string {
  const state = model.stored
    ? `${model.lifecycle}, first seen ${iso(model.firstSeenAt)}, last seen ${iso(model.lastSeenAt)}`
    : 'live: from the list of this moment, not stored'
  const used = specObservations(model.specs).map((one) => observationRow(one))
  const inferred = model.aiData.observations.map((one) => observationRow(one))
  const head = ['value', '', 'source', 'sure', 'since']
  const ruledOut = model.aiData.rejections.map(
    (one: Rejection) => `  not used: ${one.field} ${valueText(one.value)} of the ${one.source}: ${one.reason}`,
  )
  return [
    paintHead(plain(model.name)),
    state,
    '',
    paintHead('specs (what orch uses)'),
    used.length === 0 ? 'nothing is known' : table(head, used, { ...(width !== undefined && { width }) }),
    '',
    paintHead('ai_data (probed or inferred by orch)'),
    inferred.length === 0 ? 'nothing' : table(head, inferred, { ...(width !== undefined && { width }) }),
    ...ruledOut.map((line) => plain(line)),
    '',
    paintHead('provider_data (as the provider sent it)'),
    plain(JSON.stringify(model.providerData, null, 2) ?? 'nothing'),
  ].join('\n')
}

function observationRow({ field, value, source, confidence, at }: Observation): readonly string[] {
  return [field, valueText(value), source, `${Math.round(confidence * 100)} %`, at === 0 ? '-' : iso(at).slice(0, 10)]
}

/** A value of any field as one short text. */
export function valueText(value: number | boolean | Price): string {
  if (typeof value === 'number') return value.toLocaleString('en-US')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const tiers = value.tiers === undefined ? '' : ', dearer when long'
  return `${usd(value.inputUsdPerMillion)} in, ${usd(value.outputUsdPerMillion)} out per million (${value.priceSource} ${value.priceVersion}${tiers})`
}

function usd(amount: number): string {
  return amount === 0 ? 'free' : `$${Number(amount.toFixed(4))}`
}

function shortCount(tokens: number): string {
  if (tokens < 1000) return String(tokens)
  return tokens < 1_000_000 ? `${Math.round(tokens / 1000)}k` : `${Number((tokens / 1_000_000).toFixed(1))}M`
}
