/** Compares what was found with what orch can read. Pure: the catalog in, findings out. */
import type { FoundColumn, FoundTable } from './source-catalog.ts'
import {
  foldedName,
  isRead,
  sourceTables,
  type SourceColumn,
  type SourceName,
  type SourceTable,
} from './source-table.ts'

/**
 * `compatible`: everything is there. `partial`: something optional is missing, and is left out of the import.
 * `case_variant`: everything is there under names of another case, and is read under those. `conflict`: it
 * cannot be read as what it is called. `absent`: there is no such table.
 */
export type TableStanding = 'compatible' | 'partial' | 'case_variant' | 'conflict' | 'absent'

export interface ColumnDifference {
  readonly column: string
  /** `text not null`, as orch needs it. */
  readonly expected: string
  /** As it is, or null where it is missing. */
  readonly found: string | null
  /** Whether the table cannot be read for it. */
  readonly blocks: boolean
}

export interface TableFinding {
  readonly source: SourceName
  /** The name orch expects. */
  readonly table: string
  readonly feeds: SourceTable['feeds']
  /** The name it has, or null where it is absent. */
  readonly foundAs: string | null
  readonly standing: TableStanding
  readonly differences: readonly ColumnDifference[]
  /** What keeps the whole table from being read, beside its columns. */
  readonly problem: string | null
  /** Columns that are there, by the name orch expects. */
  readonly columns: ReadonlyMap<string, FoundColumn>
  /** Found names of the columns that orch would read and this role may not. */
  readonly unreadable: readonly string[]
}

/** One finding per expected table, in the order of the import. */
export function classifyTables(found: readonly FoundTable[]): readonly TableFinding[] {
  return (Object.keys(sourceTables) as SourceName[]).map((source) => classifyTable(source, found))
}

function classifyTable(source: SourceName, found: readonly FoundTable[]): TableFinding {
  const expected: SourceTable = sourceTables[source]
  const table = byName(found, expected.name)
  const base = { source, table: expected.name, feeds: expected.feeds }
  if (table === undefined || table === 'ambiguous') {
    const problem = table === undefined ? null : `several tables are called ${expected.name} in different cases`
    const standing = table === undefined ? 'absent' : 'conflict'
    return { ...base, foundAs: null, standing, differences: [], problem, columns: new Map(), unreadable: [] }
  }
  const matched = matchColumns(expected, table)
  const problem = problemOf(table)
  const used = expected.columns.filter(isRead).flatMap(({ name }) => matched.columns.get(name) ?? [])
  return {
    ...base,
    foundAs: table.name,
    standing: standingOf(expected, { table, problem, ...matched }),
    differences: matched.differences,
    problem,
    columns: matched.columns,
    unreadable: used.filter(({ readable }) => !readable).map(({ name }) => name),
  }
}

/** The object of the exact name, else the only one that differs in case or underscores. */
export function byName<T extends { readonly name: string }>(
  objects: readonly T[],
  name: string,
): T | 'ambiguous' | undefined {
  const exact = objects.find((object) => object.name === name)
  if (exact !== undefined) return exact
  const variants = objects.filter((object) => foldedName(object.name) === foldedName(name))
  return variants.length > 1 ? 'ambiguous' : variants[0]
}

function problemOf(table: FoundTable): string | null {
  if (!table.isTable) return `${table.name} is not a table`
  return table.hidesRows ? `row-level security hides rows of ${table.name} from this role` : null
}

interface MatchedColumns {
  readonly columns: ReadonlyMap<string, FoundColumn>
  readonly differences: readonly ColumnDifference[]
}

function matchColumns(expected: SourceTable, table: FoundTable): MatchedColumns {
  const columns = new Map<string, FoundColumn>()
  const differences: ColumnDifference[] = []
  for (const column of expected.columns) {
    const found = byName(table.columns, column.name)
    const difference = differenceOf(column, found)
    if (difference !== null) differences.push(difference)
    if (found !== undefined && found !== 'ambiguous') columns.set(column.name, found)
  }
  return { columns, differences }
}

function differenceOf(column: SourceColumn, found: FoundColumn | 'ambiguous' | undefined): ColumnDifference | null {
  const base = { column: column.name, expected: expectedText(column) }
  if (found === 'ambiguous') return { ...base, found: 'several columns of that name in different cases', blocks: true }
  if (found === undefined) {
    return { ...base, found: null, blocks: column.need === 'identity' || column.need === 'required' }
  }
  const fits = fitsFamily(column, found) && (column.need !== 'identity' || found.notNull)
  return fits ? null : { ...base, found: foundText(found), blocks: true }
}

function expectedText({ family, need }: SourceColumn): string {
  return need === 'identity' ? `${familyText[family]} not null` : familyText[family]
}

function foundText({ type, notNull }: FoundColumn): string {
  return notNull ? `${type} not null` : type
}

const familyText: Readonly<Record<SourceColumn['family'], string>> = {
  text: 'text',
  integer: 'integer',
  number: 'double precision',
  boolean: 'boolean',
  json: 'jsonb',
  time: 'timestamp',
}

const integers = ['smallint', 'integer', 'bigint']
const familyTypes: Readonly<Record<SourceColumn['family'], ReadonlySet<string>>> = {
  text: new Set(['text', 'character varying', 'character', 'uuid', 'citext', 'name']),
  integer: new Set(integers),
  number: new Set(['double precision', 'real', 'numeric', ...integers]),
  boolean: new Set(['boolean']),
  json: new Set(['jsonb', 'json']),
  time: new Set(['timestamp without time zone', 'timestamp with time zone']),
}

/** `character varying(64)` and `timestamp(3) without time zone` are judged without their precision. */
export function fitsFamily({ family }: Pick<SourceColumn, 'family'>, found: FoundColumn): boolean {
  if (found.isEnumeration) return family === 'text'
  return familyTypes[family].has(found.type.replace(/\([\d,]+\)/, ''))
}

interface Judged extends MatchedColumns {
  readonly table: FoundTable
  readonly problem: string | null
}

function standingOf(expected: SourceTable, { table, problem, columns, differences }: Judged): TableStanding {
  if (problem !== null || differences.some(({ blocks }) => blocks)) return 'conflict'
  if (differences.length > 0) return 'partial'
  const isVariant = table.name !== expected.name || [...columns].some(([name, found]) => found.name !== name)
  return isVariant ? 'case_variant' : 'compatible'
}
