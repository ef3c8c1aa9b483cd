import type { Catalog, CatalogColumn, CatalogTable } from './catalog.ts'
import { objectName, type CreatedObject, type ExpectedColumn } from './compiled-migration.ts'

/** Whether the object, of whatever shape, exists. */
export function exists(created: CreatedObject, catalog: Catalog): boolean {
  switch (created.kind) {
    case 'table':
      return catalog.tables.has(created.table)
    case 'column':
      return catalog.tables.get(created.table)?.columns.has(created.column.name) === true
    case 'index':
      return catalog.indexes.has(created.name)
    case 'rows':
      return catalog.tables.has(created.table)
  }
}

/** How an existing object differs from what the migration would have made; empty when it fits or is absent. */
export function conflictsOf(created: CreatedObject, catalog: Catalog): string[] {
  switch (created.kind) {
    case 'table':
      return tableConflicts(created, catalog.tables.get(created.table))
    case 'column':
      return columnConflicts(created.table, created.column, catalog.tables.get(created.table)?.columns)
    case 'index':
      return indexConflicts(created, catalog)
    case 'rows':
      return []
  }
}

/** More columns than expected are fine: a later migration or the owner may have added them. */
function tableConflicts(created: CreatedObject & { kind: 'table' }, table: CatalogTable | undefined): string[] {
  if (table === undefined) return []
  if (!table.isTable) return [`${created.table} exists and is not a table`]
  const conflicts = created.columns.flatMap((column) =>
    table.columns.has(column.name)
      ? columnConflicts(created.table, column, table.columns)
      : [`table ${created.table} exists without column ${column.name}`],
  )
  if (created.primaryKey.join() !== table.primaryKey.join()) {
    conflicts.push(
      `table ${created.table} exists with ${keyText(table.primaryKey)}, not ${keyText(created.primaryKey)}`,
    )
  }
  return conflicts
}

function columnConflicts(
  table: string,
  expected: ExpectedColumn,
  columns: ReadonlyMap<string, CatalogColumn> | undefined,
): string[] {
  const found = columns?.get(expected.name)
  if (found === undefined) return []
  if (found.type === expected.type && found.notNull === expected.notNull) return []
  return [`column ${table}.${expected.name} is ${columnText(found)}, not ${columnText(expected)}`]
}

function indexConflicts(created: CreatedObject & { kind: 'index' }, catalog: Catalog): string[] {
  const found = catalog.indexes.get(created.name)
  // An index whose build failed is no conflict but unfinished: see `unfinishedIndexes`.
  if (found === undefined || !found.valid) return []
  const same = found.table === created.table && found.unique === created.unique
  const columns = created.columns ?? found.columns
  if (same && found.columns.join() === columns.join()) return []
  return [`${objectName(created)} is ${indexText(found)}, not ${indexText({ ...created, columns })}`]
}

function columnText({ type, notNull }: CatalogColumn): string {
  return notNull ? `${type} not null` : type
}

function keyText(columns: readonly string[]): string {
  return columns.length === 0 ? 'no primary key' : `primary key (${columns.join(', ')})`
}

function indexText(index: { table: string; columns: readonly string[]; unique: boolean }): string {
  return `${index.unique ? 'unique ' : ''}on ${index.table} (${index.columns.join(', ')})`
}
