/** Booked calls, which may be many: a batch at a time. */
import { insertUsages, knownUsageIds } from '../repositories/usage-repository.ts'
import { findingOf, type ImportContext } from './import-context.ts'
import { ImportTally, type TableImport } from './import-tally.ts'
import { readSourceRows, type SourceRow } from './source-rows.ts'
import { translateUsage, unknownProvider, type UsageReference } from './translate-rows.ts'
import { textOf } from './without-keys.ts'

/** Throws what the database throws. */
export async function importUsage(context: ImportContext): Promise<TableImport | null> {
  const finding = findingOf(context, 'usage')
  if (finding === null) return null
  const tally = new ImportTally(finding.foundAs ?? finding.table, finding.feeds)
  for await (const rows of readSourceRows(context.trx, context.inspection.sourceSchema, finding)) {
    const ids = rows.map((row) => String(row['id']))
    const known = context.has('model_usage') ? await knownUsageIds(context.trx, ids) : new Set<string>()
    const fresh = rows
      .filter((row) => !known.has(String(row['id'])))
      .map((row) => {
        const record = translateUsage(row, referenceOf(context, row), context.nowMs)
        if (record.providerId === unknownProvider) tally.note('its model is gone: booked under the provider unknown')
        if (record.costMicroUsd === null && row['cost'] !== null) tally.note('its cost is no amount: booked as unknown')
        return record
      })
    tally.read += rows.length
    tally.alreadyThere += known.size
    tally.imported += context.writes ? await insertUsages(context.trx, fresh) : fresh.length
    context.onRows(tally)
  }
  return tally.result
}

/** The model's row in the registry, else what the call's own notes say. */
function referenceOf(context: ImportContext, row: SourceRow): UsageReference {
  const metadata = row['metadata']
  const projectId = memberText(metadata, ['projectId', 'project_id'])
  const configured = textOf(row['modelConfigId'])
  const model = configured === null ? undefined : context.modelsById.get(configured)
  if (model !== undefined) return { ...model, projectId }
  const named = memberText(metadata, ['providerId', 'provider_id', 'provider'])
  const modelId = memberText(metadata, ['modelId', 'model_id', 'model']) ?? configured ?? 'unknown'
  if (named === null) return { providerId: unknownProvider, modelId, projectId }
  const provider = context.providers.find(named)
  return { providerId: 'reason' in provider ? named : provider.id, modelId, projectId }
}

function memberText(value: unknown, names: readonly string[]): string | null {
  if (typeof value !== 'object' || value === null) return null
  const members = value as Readonly<Record<string, unknown>>
  return names.map((name) => textOf(members[name])).find((text) => text !== null) ?? null
}
