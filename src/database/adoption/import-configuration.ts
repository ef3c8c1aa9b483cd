/** Providers, settings and projects: few rows, each looked at by itself. */
import { addProviderConfig, readProviderConfigs } from '../repositories/provider-config-repository.ts'
import { insertProject, knownProjectIds, listSlugs } from '../repositories/project-repository.ts'
import { addStoredValue, readSettingKeys } from '../repositories/setting-repository.ts'
import { findingOf, type ImportContext } from './import-context.ts'
import { ImportTally, type TableImport } from './import-tally.ts'
import { readSourceRows, type SourceRow } from './source-rows.ts'
import { translateProject, translateSettings } from './translate-rows.ts'
import { translateProvider } from './translate-provider.ts'
import { timeOf } from './without-keys.ts'

/** Throws what the database throws. */
export async function importProviders(context: ImportContext): Promise<TableImport | null> {
  const finding = findingOf(context, 'providers')
  if (finding === null) return null
  const tally = new ImportTally(finding.foundAs ?? finding.table, finding.feeds)
  const stored = context.has('provider_config') ? await readProviderConfigs(context.trx) : []
  const known = new Map(stored.map((provider) => [provider.id, provider]))
  for await (const rows of readSourceRows(context.trx, context.inspection.sourceSchema, finding)) {
    for (const row of rows) {
      tally.read += 1
      const translated = translateProvider(row, context.knowledge)
      if ('reason' in translated) {
        tally.skip(row['id'], translated.reason)
        continue
      }
      const existing = known.get(translated.provider.id)
      const provider = existing ?? translated.provider
      context.providers.add(String(row['id']), String(row['type']), provider)
      if (translated.key !== null && provider.credential === null) context.keys.push(translated.key)
      if (existing !== undefined) {
        tally.alreadyThere += 1
        continue
      }
      for (const note of translated.notes) tally.note(note)
      known.set(provider.id, provider)
      if (context.writes) await addProviderConfig(context.trx, provider, timeOf(row['createdAt'], context.nowMs))
      tally.imported += 1
    }
    context.onRows(tally)
  }
  return tally.result
}

/** Throws what the database throws. */
export async function importSettings(context: ImportContext): Promise<TableImport | null> {
  const finding = findingOf(context, 'settings')
  if (finding === null) return null
  const tally = new ImportTally(finding.foundAs ?? finding.table, finding.feeds)
  const known = new Set(context.has('orchestrator_config') ? await readSettingKeys(context.trx) : [])
  for (const row of await newestFirst(context, finding)) {
    tally.read += 1
    const fresh = translateSettings(row).filter(({ key }) => !known.has(key))
    for (const { key, value } of fresh) {
      known.add(key)
      if (context.writes) await addStoredValue(context.trx, { key, value, at: timeOf(row['updatedAt'], context.nowMs) })
      if (key === 'selection.policy') tally.note(`selection.policy becomes ${String(value)}`)
    }
    if (fresh.length > 0) tally.imported += 1
    else tally.alreadyThere += 1
  }
  if (tally.imported > 0) tally.note('kept as they are under adopted.<id>; of them orch uses the selection policy only')
  return tally.result
}

/** Where several rows name a policy, the one that was changed last counts. */
async function newestFirst(context: ImportContext, finding: Parameters<typeof readSourceRows>[2]) {
  const all: SourceRow[] = []
  for await (const rows of readSourceRows(context.trx, context.inspection.sourceSchema, finding)) all.push(...rows)
  return all.toSorted((one, other) => timeOf(other['updatedAt'], 0) - timeOf(one['updatedAt'], 0))
}

/** Throws what the database throws. */
export async function importProjects(context: ImportContext): Promise<TableImport | null> {
  const finding = findingOf(context, 'projects')
  if (finding === null) return null
  const tally = new ImportTally(finding.foundAs ?? finding.table, finding.feeds)
  const exists = context.has('projects')
  const slugs = new Set(exists ? await listSlugs(context.trx) : [])
  for await (const rows of readSourceRows(context.trx, context.inspection.sourceSchema, finding)) {
    const known = exists
      ? await knownProjectIds(
          context.trx,
          rows.map((row) => String(row['id'])),
        )
      : new Set<string>()
    for (const row of rows) {
      tally.read += 1
      if (known.has(String(row['id']))) {
        tally.alreadyThere += 1
        continue
      }
      const project = translateProject(row, { slugs, workspace: context.workspace, nowMs: context.nowMs })
      if (context.writes) await insertProject(context.trx, project)
      tally.imported += 1
    }
    context.onRows(tally)
  }
  if (tally.imported > 0) tally.note('imported as drafts without jobs: nothing starts before you plan and approve')
  return tally.result
}
