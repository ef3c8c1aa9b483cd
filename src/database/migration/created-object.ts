import type {
  AddColumnNode,
  AlterTableNode,
  ColumnDefinitionNode,
  ColumnNode,
  CreateIndexNode,
  CreateTableNode,
  DataTypeNode,
  InsertQueryNode,
  OperationNode,
  OrderByItemNode,
  PrimaryKeyConstraintNode,
  ReferenceNode,
} from 'kysely'
import type { CreatedObject, ExpectedColumn } from './compiled-migration.ts'
import { rowCountOf } from './literal-rows.ts'
import { rawTextOf } from './raw-sql.ts'
import { rawIndexOf } from './sql-text.ts'
import { expressionName } from './catalog.ts'

/** Spells what a migration names as the engine's catalog does. */
export interface CatalogSpelling {
  catalogType(dataType: string): string
  /** Names that the engine takes for the same come out the same. */
  catalogName(name: string): string
}

/** What a statement that passed the guard leaves behind, spelled as the catalog does; raw SQL is about `table`. */
export function createdObjects(
  node: OperationNode,
  spelling: CatalogSpelling,
  table: string,
): readonly CreatedObject[] {
  const spelled = spelling.catalogName(table)
  switch (node.kind) {
    case 'CreateTableNode':
      return [createdTable(node as CreateTableNode, spelling)]
    case 'CreateIndexNode':
      return [{ ...createdIndex(node as CreateIndexNode, spelling), table: spelled }]
    case 'AlterTableNode':
      return createdColumns(node as AlterTableNode, spelling)
    case 'InsertQueryNode':
      return [{ kind: 'rows', table: spelled, count: rowCountOf(node as InsertQueryNode) }]
    case 'RawNode':
      return createdByRawSql(rawTextOf(node) ?? '', spelled)
    default:
      return []
  }
}

function createdTable(node: CreateTableNode, spelling: CatalogSpelling): CreatedObject {
  const keyConstraint = node.constraints?.find(({ kind }) => kind === 'PrimaryKeyConstraintNode')
  const keyColumns = node.columns.filter(({ primaryKey }) => primaryKey === true).map(columnName)
  const primaryKey =
    keyConstraint === undefined
      ? keyColumns
      : (keyConstraint as PrimaryKeyConstraintNode).columns.map((column) => nameOf(column))
  return {
    kind: 'table',
    table: spelling.catalogName(node.table.table.identifier.name),
    columns: node.columns.map((column) => expectedColumn(column, spelling)),
    primaryKey: primaryKey.map((name) => spelling.catalogName(name)),
  }
}

function createdIndex(node: CreateIndexNode, spelling: CatalogSpelling): CreatedObject & { readonly kind: 'index' } {
  return {
    kind: 'index',
    table: '',
    name: spelling.catalogName(node.name.name),
    columns: (node.columns ?? []).map((column) => spelling.catalogName(nameOf(column))),
    unique: node.unique === true,
  }
}

function createdByRawSql(text: string, table: string): readonly CreatedObject[] {
  const index = rawIndexOf(text)
  return index === null ? [] : [{ kind: 'index', table, columns: null, ...index }]
}

function createdColumns(node: AlterTableNode, spelling: CatalogSpelling): readonly CreatedObject[] {
  const additions = (node.columnAlterations ?? []) as readonly AddColumnNode[]
  return additions.map(({ column }) => ({
    kind: 'column',
    table: spelling.catalogName(node.table.table.identifier.name),
    column: expectedColumn(column, spelling),
  }))
}

function expectedColumn(column: ColumnDefinitionNode, spelling: CatalogSpelling): ExpectedColumn {
  return {
    name: spelling.catalogName(columnName(column)),
    type: spelling.catalogType((column.dataType as DataTypeNode).dataType),
    notNull: column.notNull === true || column.primaryKey === true,
  }
}

function columnName(column: ColumnDefinitionNode): string {
  return column.column.column.name
}

/** The column of an index; expressions are shown as the catalog shows them. */
function nameOf(node: OperationNode): string {
  switch (node.kind) {
    case 'ColumnNode':
      return (node as ColumnNode).column.name
    case 'ReferenceNode':
      return nameOf((node as ReferenceNode).column)
    case 'OrderByItemNode':
      return nameOf((node as OrderByItemNode).orderBy)
    default:
      return expressionName
  }
}
