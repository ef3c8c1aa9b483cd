/** How `db adopt` tells what it found, what it would do or did, and what is left for people. */
import type { ImportReport } from '../../database/adoption/adopt.ts'
import type { TableFinding } from '../../database/adoption/classify-table.ts'
import type { ExclusionSnippet } from '../../database/adoption/exclusion-snippet.ts'
import type { TableImport } from '../../database/adoption/import-tally.ts'
import type { Inspection } from '../../database/adoption/inspection.ts'
import type { AdoptionPlan, PlannedObject } from '../../database/adoption/plan-adoption.ts'
import { plain } from './plain.ts'
import { table } from './table.ts'

/** One call of `db adopt`. Its objects are those that would come before the import, or that came. */
export interface Adoption extends AdoptionPlan {
  readonly address: string
  readonly dryRun: boolean
  /** Where what orch had before was saved; null where there was nothing, or nothing was changed but added to. */
  readonly backup: string | null
  /** Null where nothing was, or would be, imported. */
  readonly report: ImportReport | null
}

/** What a person does with the other tools. */
export interface Advice {
  readonly grants: string
  readonly exclusions: readonly ExclusionSnippet[]
}

/** The document of `--json`. */
export function adoptionData(adoption: Adoption, advice: Advice) {
  const { address, dryRun, inspection, problems, objects, backup, report } = adoption
  const { sourceSchema, ownSchema, tables, payloadTables, unfitPayloadTables, ledgers, missingRights } = inspection
  return {
    dryRun,
    database: address,
    fromSchema: sourceSchema,
    schema: ownSchema,
    tables: tables.map(({ table: name, feeds, foundAs, standing, differences, problem, unreadable }) => ({
      table: name,
      foundAs,
      standing,
      into: feeds,
      problem,
      differences,
      unreadable,
    })),
    payloadTables: payloadTables.map(({ name, provider, model, payload }) => ({ name, provider, model, payload })),
    unfitPayloadTables,
    ledgers,
    problems,
    missingRights,
    objects,
    backup,
    imports: report?.tables ?? null,
    keys: report?.keys ?? [],
    grants: advice.grants,
    exclusions: advice.exclusions,
  }
}

/** The same for people. */
export function adoptionText(adoption: Adoption, advice: Advice): string {
  const { address, dryRun, inspection, report } = adoption
  const { sourceSchema, ownSchema } = inspection
  const parts = [
    `${sourceSchema} of ${address}${dryRun ? ' (dry run: nothing was written)' : ''}`,
    foundTable(inspection.tables, report?.tables ?? []),
    payloadLines(inspection, report?.tables ?? []),
    differenceLines(inspection.tables),
    adoption.problems.map((problem) => `In ${ownSchema}: ${problem}`).join('\n'),
    ledgerLines(inspection),
    objectLines(adoption),
    adoption.backup === null ? '' : `What orch had before is saved: ${adoption.backup}`,
    importLines(report?.tables ?? []),
    keyLines(report),
    rightLines(inspection),
    `Rights that are enough, for the owner of ${sourceSchema} to run:\n\n${advice.grants}`,
    ...advice.exclusions.map(exclusionText),
    nextLine(adoption),
  ]
  return plain(parts.filter((part) => part !== '').join('\n\n'))
}

const standingText: Readonly<Record<TableFinding['standing'], string>> = {
  compatible: 'compatible',
  partial: 'partial',
  case_variant: 'case variant',
  conflict: 'conflict',
  absent: 'absent',
}

function foundTable(tables: readonly TableFinding[], imports: readonly TableImport[]): string {
  const rows = tables.map(({ table: name, foundAs, standing, feeds }) => [
    name,
    foundAs ?? '-',
    standingText[standing],
    feeds,
    ...counts(imports.find((one) => one.table === foundAs)),
  ])
  return table(['table', 'found as', 'state', 'into', 'rows', 'new', 'there', 'skipped'], rows)
}

function counts(one: TableImport | undefined): readonly (string | number)[] {
  return one === undefined ? ['', '', '', ''] : [one.read, one.imported, one.alreadyThere, one.skipped]
}

function payloadLines({ payloadTables, unfitPayloadTables }: Inspection, imports: readonly TableImport[]): string {
  const fit = payloadTables.map(({ name, provider, payload }) => {
    const one = imports.find(({ table: imported }) => imported === name)
    const rows = one === undefined ? '' : `: ${one.read} rows, ${one.imported} models only it has`
    return `${name} says of each model of ${provider} what goes into provider_data (column ${payload})${rows}`
  })
  return [...fit, ...unfitPayloadTables.map(({ name, reason }) => `${name} is left alone: ${reason}`)].join('\n')
}

function differenceLines(tables: readonly TableFinding[]): string {
  const lines = tables.flatMap(({ table: name, problem, differences }) => [
    ...(problem === null ? [] : [[name, '', problem, '', 'conflict']]),
    ...differences.map(({ column, expected, found, blocks }) => [
      name,
      column,
      found ?? '(missing)',
      expected,
      blocks ? 'conflict' : 'left out',
    ]),
  ])
  return lines.length === 0 ? '' : table(['table', 'column', 'is', 'expected', 'means'], lines)
}

function ledgerLines({ ledgers }: Inspection): string {
  return ledgers.map(({ tool, schema, name }) => `Left alone: ${schema}.${name}, the ledger of ${tool}`).join('\n')
}

function objectLines({ dryRun, inspection, objects }: Adoption): string {
  const created = objects.filter(({ outcome }) => outcome === 'applied')
  const adopted = objects.filter(({ outcome }) => outcome === 'adopted')
  const names = (some: readonly PlannedObject[]) => some.map(({ name }) => name).join(', ')
  const [creates, records] = dryRun ? ['Would create', 'Would record as adopted'] : ['Created', 'Recorded as adopted']
  return [
    ...(created.length === 0 ? [] : [`${creates} in ${inspection.ownSchema}: ${names(created)}`]),
    ...(adopted.length === 0 ? [] : [`${records}, because it exists and fits: ${names(adopted)}`]),
  ].join('\n')
}

function importLines(imports: readonly TableImport[]): string {
  return imports
    .flatMap(({ table: name, notes, skipped, skippedRows }) => [
      ...notes.map((note) => `${name}: ${note}`),
      ...skippedRows.map(({ row, reason }) => `${name}: ${row} is skipped: ${reason}`),
      ...(skipped > skippedRows.length ? [`${name}: and ${skipped - skippedRows.length} more`] : []),
    ])
    .join('\n')
}

function keyLines(report: ImportReport | null): string {
  if (report === null || report.keys.length === 0) return ''
  const width = Math.max(...report.keys.map(({ command }) => command.length))
  const lines = report.keys.map(({ command, label, keyStoredThere }) => {
    const there = keyStoredThere === true ? 'has one there' : 'needs one'
    return `  ${command.padEnd(width)}  # ${label.replaceAll(/\s+/g, ' ')} ${there}`
  })
  return `Keys are never copied. Say where each is:\n${lines.join('\n')}`
}

function rightLines({ missingRights, rights }: Inspection): string {
  if (missingRights.length === 0) return ''
  const lines = missingRights.map((right) => `  ${right}`)
  return `The role ${rights.role} lacks, so that nothing can be imported yet:\n${lines.join('\n')}`
}

function exclusionText({ tool, detected, file, text }: ExclusionSnippet): string {
  const why = detected ? `${tool} owns the other tables` : `If ${tool} owns the other tables`
  return `${why}: in ${file}, so that it leaves the tables of orch alone\n\n${text}`
}

function nextLine({ dryRun, inspection, report }: Adoption): string {
  if (report === null) return ''
  const added = report.tables.reduce((sum, { imported }) => sum + imported, 0)
  if (!dryRun) return added === 0 ? 'Nothing to do: everything is there already.' : `${added} rows imported.`
  const would = added === 0 ? 'Everything is there already.' : `${added} rows would be imported.`
  return `${would} Nothing was written; go ahead with orch db adopt --from-schema ${inspection.sourceSchema}`
}
