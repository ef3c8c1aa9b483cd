/** What exists, as the engine's catalog tells it. Everything is in orch's schema. */
export interface Catalog {
  readonly schemaExists: boolean
  readonly tables: ReadonlyMap<string, CatalogTable>
  readonly indexes: ReadonlyMap<string, CatalogIndex>
}

export interface CatalogTable {
  /** False for a view or another relation that has taken the name. */
  readonly isTable: boolean
  readonly columns: ReadonlyMap<string, CatalogColumn>
  /** Columns of the primary key, in its order. */
  readonly primaryKey: readonly string[]
}

export interface CatalogColumn {
  readonly type: string
  readonly notNull: boolean
}

export interface CatalogIndex {
  readonly table: string
  readonly columns: readonly string[]
  readonly unique: boolean
  /** False for an index whose build failed: it exists and enforces nothing. */
  readonly valid: boolean
}

export interface ColumnRow {
  readonly relation: string
  readonly is_table: number
  readonly column_name: string
  readonly type: string
  readonly not_null: number
  /** Position in the primary key from 1, or 0. */
  readonly key_position: number
}

export interface IndexRow {
  readonly name: string
  readonly relation: string
  readonly column_name: string | null
  readonly is_unique: number
  readonly is_valid: number
}

/** Stands for an expression among the columns of an index. */
export const expressionName = '(expression)'

/** Assembles a catalog from one row per column and one row per indexed column, both in order. */
export function assembleCatalog(columns: readonly ColumnRow[], indexes: readonly IndexRow[], schemaExists: boolean) {
  const catalog: Catalog = { schemaExists, tables: assembleTables(columns), indexes: assembleIndexes(indexes) }
  return catalog
}

function assembleTables(rows: readonly ColumnRow[]): ReadonlyMap<string, CatalogTable> {
  const tables = new Map<string, CatalogTable>()
  for (const [relation, own] of groupBy(rows, (row) => row.relation)) {
    const keyRows = own.filter(({ key_position }) => key_position > 0)
    tables.set(relation, {
      isTable: own[0]?.is_table === 1,
      columns: new Map(own.map((row) => [row.column_name, { type: row.type, notNull: row.not_null === 1 }])),
      primaryKey: keyRows.toSorted((a, b) => a.key_position - b.key_position).map((row) => row.column_name),
    })
  }
  return tables
}

function assembleIndexes(rows: readonly IndexRow[]): ReadonlyMap<string, CatalogIndex> {
  const indexes = new Map<string, CatalogIndex>()
  for (const [name, own] of groupBy(rows, (row) => row.name)) {
    indexes.set(name, {
      table: own[0]?.relation ?? '',
      columns: own.map(({ column_name }) => column_name ?? expressionName),
      unique: own[0]?.is_unique === 1,
      valid: own[0]?.is_valid === 1,
    })
  }
  return indexes
}

function groupBy<T>(rows: readonly T[], key: (row: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const group = groups.get(key(row)) ?? []
    group.push(row)
    groups.set(key(row), group)
  }
  return groups
}
