import type {
  AddColumnNode,
  AlterTableNode,
  ColumnDefinitionNode,
  ColumnNode,
  CreateIndexNode,
  CreateTableNode,
  DataTypeNode,
  OperationNode,
  OrderByItemNode,
  PrimaryKeyConstraintNode,
  ReferenceNode,
} from 'kysely'
import type { CreatedObject, ExpectedColumn } from './compiled-migration.ts'

/** Spells a portable column type as the engine's catalog does. */
export interface TypeSpelling {
  catalogType(dataType: string): string
}

/** What a statement that passed the guard leaves behind. */
export function createdObjects(node: OperationNode, spelling: TypeSpelling): readonly CreatedObject[] {
  switch (node.kind) {
    case 'CreateTableNode':
      return [createdTable(node as CreateTableNode, spelling)]
    case 'CreateIndexNode':
      return [createdIndex(node as CreateIndexNode)]
    case 'AlterTableNode':
      return createdColumns(node as AlterTableNode, spelling)
    default:
      return []
  }
}

function createdTable(node: CreateTableNode, spelling: TypeSpelling): CreatedObject {
  const keyConstraint = node.constraints?.find(({ kind }) => kind === 'PrimaryKeyConstraintNode')
  const keyColumns = node.columns.filter(({ primaryKey }) => primaryKey === true).map(columnName)
  const primaryKey =
    keyConstraint === undefined
      ? keyColumns
      : (keyConstraint as PrimaryKeyConstraintNode).columns.map((column) => nameOf(column))
  return {
    kind: 'table',
    table: node.table.table.identifier.name,
    columns: node.columns.map((column) => expectedColumn(column, spelling)),
    primaryKey,
  }
}

function createdIndex(node: CreateIndexNode): CreatedObject {
  return {
    kind: 'index',
    table: node.table?.table.identifier.name ?? '',
    name: node.name.name,
    columns: (node.columns ?? []).map(nameOf),
    unique: node.unique === true,
  }
}

function createdColumns(node: AlterTableNode, spelling: TypeSpelling): readonly CreatedObject[] {
  const additions = (node.columnAlterations ?? []) as readonly AddColumnNode[]
  return additions.map(({ column }) => ({
    kind: 'column',
    table: node.table.table.identifier.name,
    column: expectedColumn(column, spelling),
  }))
}

function expectedColumn(column: ColumnDefinitionNode, spelling: TypeSpelling): ExpectedColumn {
  return {
    name: columnName(column),
    type: spelling.catalogType((column.dataType as DataTypeNode).dataType),
    notNull: column.notNull === true || column.primaryKey === true,
  }
}

function columnName(column: ColumnDefinitionNode): string {
  return column.column.column.name
}

function nameOf(node: OperationNode): string {
  switch (node.kind) {
    case 'ColumnNode':
      return (node as ColumnNode).column.name
    case 'ReferenceNode':
      return nameOf((node as ReferenceNode).column)
    case 'OrderByItemNode':
      return nameOf((node as OrderByItemNode).orderBy)
    default:
      return ''
  }
}
