/** Models of the registry, and those that only a provider's own table has. */
import { addModels, readModelNames, type StoredModel } from '../repositories/model-repository.ts'
import type { StoredProvider } from '../repositories/provider-config-repository.ts'
import { findingOf, type ImportContext } from './import-context.ts'
import { ImportTally, type TableImport } from './import-tally.ts'
import { readPayloads, readSourceRows } from './source-rows.ts'
import type { ForeignModel } from './vendor-knowledge.ts'
import { textOf, timeOf, withoutKeys } from './without-keys.ts'

/** What the providers' own tables say of their models; each entry is taken out by the row that uses it. */
type Payloads = Map<
  string,
  { readonly table: string; readonly provider: StoredProvider; readonly modelId: string; readonly data: unknown }
>

interface Importing {
  readonly context: ImportContext
  readonly known: Set<string>
}

/**
 * Imports `model_registry`, then what the payload tables add. A model's `provider_data` is the registry's where
 * that has one, and the payload otherwise. Throws what the database throws.
 */
export async function importModels(context: ImportContext): Promise<readonly TableImport[]> {
  const stored = context.has('model_registry') ? await readModelNames(context.trx) : []
  const known = new Set(stored.map(({ providerId, modelId }) => modelKey(providerId, modelId)))
  const { payloads, tallies } = await readAllPayloads(context)
  const registry = await importRegistry({ context, known }, payloads)
  for (const [key, entry] of payloads) {
    const tally = tallies.get(entry.table)
    if (tally === undefined) continue
    if (known.has(key)) {
      tally.alreadyThere += 1
      continue
    }
    known.add(key)
    const model = { modelId: entry.modelId, providerData: entry.data, aiData: null, specs: null, at: context.nowMs }
    await add(context, [await toStored(context, entry.provider, model)])
    tally.imported += 1
  }
  return [...(registry === null ? [] : [registry]), ...[...tallies.values()].map((tally) => tally.result)]
}

async function readAllPayloads(context: ImportContext) {
  const payloads: Payloads = new Map()
  const tallies = new Map<string, ImportTally>()
  for (const table of context.inspection.payloadTables) {
    const tally = new ImportTally(table.name, 'model_registry')
    tallies.set(table.name, tally)
    // Whoever is of that vendor serves that vendor's models.
    const providers = context.providers.all(table.provider)
    for await (const rows of readPayloads(context.trx, context.inspection.sourceSchema, table)) {
      tally.read += rows.length
      for (const { model, payload } of rows) {
        const modelId = textOf(model)
        if (providers.length === 0) tally.skip(model, `no provider of type ${table.provider} was imported`)
        else if (modelId === null) tally.skip(model, 'it names no model')
        else if (payload === null) tally.skip(model, 'it says nothing of the model')
        else {
          for (const provider of providers) {
            payloads.set(modelKey(provider.id, modelId), { table: table.name, provider, modelId, data: payload })
          }
        }
      }
    }
  }
  return { payloads, tallies }
}

async function importRegistry({ context, known }: Importing, payloads: Payloads): Promise<TableImport | null> {
  const finding = findingOf(context, 'models')
  if (finding === null) return null
  const tally = new ImportTally(finding.foundAs ?? finding.table, finding.feeds)
  for await (const rows of readSourceRows(context.trx, context.inspection.sourceSchema, finding)) {
    const fresh: StoredModel[] = []
    for (const row of rows) {
      tally.read += 1
      const modelId = textOf(row['model_id'])
      const provider = context.providers.find(String(row['provider_id']))
      if (modelId === null) tally.skip(row['id'], 'it names no model')
      else if ('reason' in provider) tally.skip(modelId, provider.reason)
      else {
        const key = modelKey(provider.id, modelId)
        const id = textOf(row['id'])
        if (id !== null) context.modelsById.set(id, { providerId: provider.id, modelId })
        const payload = payloads.get(key)
        payloads.delete(key)
        if (known.has(key)) {
          tally.alreadyThere += 1
          continue
        }
        known.add(key)
        const providerData = isEmpty(row['provider_data']) ? (payload?.data ?? null) : row['provider_data']
        const at = timeOf(row['updated_at'], context.nowMs)
        const model = { modelId, providerData, aiData: row['ai_data'], specs: row['specs'], at }
        fresh.push(await toStored(context, provider, model))
      }
    }
    tally.imported += await add(context, fresh)
    context.onRows(tally)
  }
  if (tally.imported > 0 && finding.columns.has('cost_per_1k')) {
    tally.note('cost_per_1k is one number where there are two prices: orch takes the provider’s or its catalog’s')
  }
  return tally.result
}

async function toStored(context: ImportContext, provider: StoredProvider, model: ForeignModel): Promise<StoredModel> {
  const { modelId, at } = model
  const clean = {
    ...model,
    providerData: withoutKeys(model.providerData),
    aiData: withoutKeys(model.aiData),
    specs: withoutKeys(model.specs),
  }
  const layers = await context.knowledge.layers(provider, clean)
  const seen = { firstSeenAt: at, lastSeenAt: at }
  return { providerId: provider.id, modelId, providerData: clean.providerData, ...layers, lifecycle: 'active', ...seen }
}

async function add({ trx, writes, nowMs }: ImportContext, models: readonly StoredModel[]): Promise<number> {
  return writes ? addModels(trx, models, nowMs) : models.length
}

/** JSON that says nothing. */
function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
}

function modelKey(providerId: string, modelId: string): string {
  return JSON.stringify([providerId, modelId])
}
