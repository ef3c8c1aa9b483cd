import { OrchError } from '../../../errors/orch-error.ts'
import { isJsonColumn } from '../../json-columns.ts'
import type { Catalog } from '../catalog.ts'
import type { CompiledMigration, ExpectedColumn } from '../compiled-migration.ts'
import { columnKind, type ColumnKind } from './column-kind.ts'

export interface TransferColumn {
  readonly name: string
  /** What the target can hold. */
  readonly kind: ColumnKind
  readonly notNull: boolean
}

/** A table of orch with the columns that both sides have. */
export interface TransferTable {
  readonly name: string
  readonly columns: readonly TransferColumn[]
  /** Positions of the key's columns among `columns`. */
  readonly key: readonly number[]
}

/** A unique rule of the target. */
export interface UniqueRule {
  readonly table: string
  readonly columns: readonly string[]
}

interface MadeTable {
  readonly columns: ExpectedColumn[]
  readonly primaryKey: readonly string[]
}

/**
 * The tables that migrations make on the target, in their order, each with those columns that the source has.
 * A table that the source lacks has none and is left out: it will be empty.
 */
export function transferTables(target: readonly CompiledMigration[], source: Catalog): readonly TransferTable[] {
  return [...madeTables(target)].flatMap(([name, { columns, primaryKey }]) => {
    const found = source.tables.get(name)
    if (found === undefined) return []
    const shared = columns.filter((column) => found.columns.has(column.name))
    const names = shared.map((column) => column.name)
    const key = primaryKey.map((column) => names.indexOf(column)).filter((position) => position !== -1)
    return [{ name, columns: shared.map((column) => transferColumn(name, column)), key }]
  })
}

/** Names of all tables that migrations make. */
export function tableNames(compiled: readonly CompiledMigration[]): readonly string[] {
  return [...madeTables(compiled).keys()]
}

/** Columns that somebody added to orch's tables: no migration knows them, so their values stay behind. */
export function strangeColumns(compiled: readonly CompiledMigration[], source: Catalog): readonly string[] {
  return [...madeTables(compiled)].flatMap(([name, { columns }]) => {
    const known = new Set(columns.map((column) => column.name))
    const found = source.tables.get(name)?.columns.keys() ?? []
    return [...found].filter((column) => !known.has(column)).map((column) => `${name}.${column}`)
  })
}

/** Primary keys and unique indexes that the target will have and the source does not enforce. */
export function newUniqueRules(target: readonly CompiledMigration[], source: Catalog): readonly UniqueRule[] {
  return target.flatMap(({ statements }) =>
    statements.flatMap(({ creates }) => {
      if (creates.kind !== 'index' || !creates.unique || source.indexes.get(creates.name)?.valid === true) return []
      const existing = source.tables.get(creates.table)?.columns
      const { table, columns } = creates
      // What a raw index is over cannot be looked up in the rows: the target itself will say.
      if (existing === undefined || columns === null) return []
      return columns.every((column) => existing.has(column)) ? [{ table, columns }] : []
    }),
  )
}

function madeTables(compiled: readonly CompiledMigration[]): ReadonlyMap<string, MadeTable> {
  const made = new Map<string, MadeTable>()
  for (const { creates } of compiled.flatMap(({ statements }) => statements)) {
    if (creates.kind === 'table') {
      made.set(creates.table, { columns: [...creates.columns], primaryKey: creates.primaryKey })
    } else if (creates.kind === 'column') {
      made.get(creates.table)?.columns.push(creates.column)
    }
  }
  return made
}

function transferColumn(table: string, { name, type, notNull }: ExpectedColumn): TransferColumn {
  const kind = isJsonColumn(table, name) ? ({ kind: 'json text' } as const) : columnKind(type)
  if (kind !== null) return { name, kind, notNull }
  throw new OrchError('ORCH_BUG', `No transfer is exact for ${table}.${name}: its type is ${type}`, {
    hint: 'This is a bug in orch: a migration made a column of a type that only one engine has',
  })
}
