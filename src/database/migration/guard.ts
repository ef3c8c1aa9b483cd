/**
 * The allow list of migrations. It reads the operation nodes that Kysely compiles, so nothing has to be
 * guessed from SQL text, and whatever is not listed here is refused: new kinds of statement, new options
 * of known statements, and every piece of raw SQL. No flag turns it off.
 */
import { isColumnDataType, type OperationNode, type TableNode } from 'kysely'

/** What a migration may touch. */
export interface GuardScope {
  /** The one table it creates or extends. */
  readonly table: string
  /** The schema its statements must name; null where there are no schemas. */
  readonly schema: string | null
  /** Whether an earlier statement of the same migration created the table. */
  readonly createsTable: boolean
}

type Fields = Readonly<Record<string, unknown>>

/** Fields a node may carry with a value; absent kinds are refused altogether. */
const allowedFields: Readonly<Record<string, readonly string[]>> = {
  CreateTableNode: ['table', 'columns', 'constraints'],
  CreateIndexNode: ['name', 'table', 'columns', 'unique', 'where'],
  AlterTableNode: ['table', 'columnAlterations'],
  CreateSchemaNode: ['schema'],
  AddColumnNode: ['column'],
  ColumnDefinitionNode: ['column', 'dataType', 'notNull', 'primaryKey', 'unique', 'defaultTo'],
  PrimaryKeyConstraintNode: ['columns', 'name'],
  UniqueConstraintNode: ['columns', 'name'],
  DataTypeNode: ['dataType'],
  DefaultValueNode: ['defaultValue'],
  ValueNode: ['value', 'immediate'],
  PrimitiveValueListNode: ['values'],
  ValueListNode: ['values'],
  TableNode: ['table'],
  SchemableIdentifierNode: ['schema', 'identifier'],
  IdentifierNode: ['name'],
  ColumnNode: ['column'],
  ReferenceNode: ['column', 'table'],
  OrderByItemNode: ['orderBy', 'direction'],
  RawNode: ['sqlFragments', 'parameters'],
  WhereNode: ['where'],
  AndNode: ['left', 'right'],
  OrNode: ['left', 'right'],
  ParensNode: ['node'],
  BinaryOperationNode: ['leftOperand', 'operator', 'rightOperand'],
  OperatorNode: ['operator'],
}

const comparisons = new Set(['=', '!=', '<>', '<', '<=', '>', '>=', 'is', 'is not', 'in', 'not in'])
const statements = new Set(['CreateTableNode', 'CreateIndexNode', 'AlterTableNode', 'CreateSchemaNode'])

/** Why the statement may not run, as the end of "refused because ...", or null when it may. */
export function refusal(node: OperationNode, scope: GuardScope): string | null {
  if (!statements.has(node.kind) || !isNode(node)) return `${describe(node.kind)} is not something a migration may do`
  return forbiddenPart(node) ?? wrongTarget(node, scope) ?? unsafeColumn(node, scope)
}

/** Walks every nested node. Kysely adds the direction of an index column as raw SQL: the one raw text allowed. */
function forbiddenPart(value: unknown): string | null {
  if (Array.isArray(value)) return firstOf(value, forbiddenPart)
  if (!isNode(value)) return null
  const fields = allowedFields[value.kind]
  if (fields === undefined) return `${describe(value.kind)} is not something a migration may do`
  const extra = Object.entries(value).find(([key, field]) => key !== 'kind' && isSet(field) && !fields.includes(key))
  if (extra !== undefined) return `"${spaced(extra[0])}" is not allowed in ${describe(value.kind)}`
  return forbiddenValue(value) ?? firstOf(Object.values(value), forbiddenPart)
}

function forbiddenValue(node: OperationNode & Fields): string | null {
  switch (node.kind) {
    case 'RawNode':
      return isDirection(node) ? null : 'it contains raw SQL, which cannot be checked'
    case 'OperatorNode':
      return comparisons.has(String(node.operator)) ? null : `the operator ${String(node.operator)} is not allowed`
    case 'DataTypeNode':
      return isColumnDataType(String(node.dataType)) && !String(node.dataType).includes('serial')
        ? null
        : `the column type ${String(node.dataType)} is not allowed`
    case 'ValueNode':
      return node.immediate === true ? null : 'a value is not part of the statement'
    default:
      return null
  }
}

function isDirection(node: Fields): boolean {
  const { sqlFragments, parameters } = node
  if (!Array.isArray(sqlFragments) || !Array.isArray(parameters)) return false
  return parameters.length === 0 && sqlFragments.length === 1 && ['asc', 'desc'].includes(String(sqlFragments[0]))
}

/** One migration is one object, in orch's schema. */
function wrongTarget(node: OperationNode & Fields, scope: GuardScope): string | null {
  if (node.kind === 'CreateSchemaNode') {
    return 'the schema is made by orch itself, not by a migration'
  }
  const target = node.table as TableNode | undefined
  if (target === undefined) return 'it names no table'
  const schema = target.table.schema?.name ?? null
  if (schema !== scope.schema) return `it names the schema ${schema ?? '(none)'} instead of ${scope.schema ?? '(none)'}`
  const table = target.table.identifier.name
  return table === scope.table ? null : `it touches the table ${table}, but the migration is about ${scope.table}`
}

/** Rows that exist must stay valid: nothing that old rows could break, nothing that rewrites them. */
function unsafeColumn(node: OperationNode & Fields, scope: GuardScope): string | null {
  if (node.kind === 'CreateIndexNode') {
    return node.unique === true && !scope.createsTable ? 'a unique index on a table with rows may refuse them' : null
  }
  if (node.kind !== 'AlterTableNode') return null
  const alterations = node.columnAlterations as readonly (OperationNode & Fields)[] | undefined
  return alterations?.length === 1 ? firstOf(alterations, unsafeAddition) : 'it must add exactly one column'
}

function unsafeAddition(alteration: OperationNode & Fields): string | null {
  if (alteration.kind !== 'AddColumnNode') return `${describe(alteration.kind)} is not something a migration may do`
  const column = alteration.column as Fields
  if (isSet(column.primaryKey) || isSet(column.unique)) return 'an added column cannot be a key of the rows that exist'
  if (isSet(column.notNull) && !isSet(column.defaultTo))
    return 'an added column must be nullable or have a constant default'
  return null
}

function firstOf<T>(values: readonly T[], check: (value: T) => string | null): string | null {
  for (const value of values) {
    const found = check(value)
    if (found !== null) return found
  }
  return null
}

function isNode(value: unknown): value is OperationNode & Fields {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
}

/** `DropTableNode` reads as "drop table". */
function describe(kind: string): string {
  return spaced(kind.replace(/(Query)?Node$/, ''))
}

function spaced(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
}
