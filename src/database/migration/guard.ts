/**
 * The allow list of migrations. It reads the operation nodes that Kysely compiles, so nothing has to be
 * guessed from SQL text, and whatever is not listed here is refused: new kinds of statement, new options
 * of known statements, and every piece of raw SQL that is not declared. No flag turns it off.
 */
import { isColumnDataType, type OperationNode, type TableNode } from 'kysely'
import { rawTextOf } from './raw-sql.ts'
import { fragmentRefusal, rawIndexOf, statementRefusal } from './sql-text.ts'

/** What a migration may touch. */
export interface GuardScope {
  /** The one table it creates or extends. */
  readonly table: string
  /** The schema its statements must name; null where there are no schemas. */
  readonly schema: string | null
  /** Whether an earlier statement of the same migration created the table. */
  readonly createsTable: boolean
  /** Every piece of raw SQL that it may hold, exactly as written. */
  readonly rawSql: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

/** Fields a node may carry with a value; absent kinds are refused altogether. */
const allowedFields: Readonly<Record<string, readonly string[]>> = {
  CreateTableNode: ['table', 'columns', 'constraints'],
  CreateIndexNode: ['name', 'table', 'columns', 'unique', 'where'],
  AlterTableNode: ['table', 'columnAlterations'],
  CreateSchemaNode: ['schema'],
  InsertQueryNode: ['into', 'columns', 'values'],
  AddColumnNode: ['column'],
  ColumnDefinitionNode: ['column', 'dataType', 'notNull', 'primaryKey', 'unique', 'defaultTo'],
  PrimaryKeyConstraintNode: ['columns', 'name'],
  UniqueConstraintNode: ['columns', 'name'],
  CheckConstraintNode: ['expression', 'name'],
  DataTypeNode: ['dataType'],
  DefaultValueNode: ['defaultValue'],
  ValueNode: ['value', 'immediate'],
  ValueListNode: ['values'],
  ValuesNode: ['values'],
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
const statements = new Set([
  'CreateTableNode',
  'CreateIndexNode',
  'AlterTableNode',
  'CreateSchemaNode',
  'InsertQueryNode',
  'RawNode',
])

/** Why the statement may not run, as the end of "refused because ...", or null when it may. */
export function refusal(node: OperationNode, scope: GuardScope): string | null {
  if (!statements.has(node.kind) || !isNode(node)) return `${describe(node.kind)} is not something a migration may do`
  if (node.kind === 'RawNode') return rawStatement(node, scope)
  return forbiddenPart(node, scope) ?? wrongTarget(node, scope) ?? unsafeRows(node, scope)
}

/** Kysely adds the direction of an index column as raw SQL: the one raw text that nobody has to declare. */
function isDirection(text: string | null): boolean {
  return text === 'asc' || text === 'desc'
}

function rawStatement(node: OperationNode, scope: GuardScope): string | null {
  const text = rawTextOf(node)
  const wrong = undeclared(text, scope)
  if (wrong !== null || text === null) return wrong
  const index = rawIndexOf(text)
  if (index === null) return 'a whole statement of raw SQL may only create an index'
  if (index.unique && !scope.createsTable) return uniqueOnRows
  // Names without a schema are looked up in orch's own.
  return statementRefusal(text, { table: scope.table, schema: null })
}

function undeclared(text: string | null, { rawSql }: GuardScope): string | null {
  if (text === null) return 'it contains raw SQL that is put together from parts: write it as one text and declare it'
  return rawSql.includes(text) ? null : 'it contains raw SQL that the migration does not declare'
}

/** Walks every nested node. */
function forbiddenPart(value: unknown, scope: GuardScope): string | null {
  if (Array.isArray(value)) return firstOf(value, (part) => forbiddenPart(part, scope))
  if (!isNode(value)) return null
  const fields = allowedFields[value.kind]
  if (fields === undefined) return `${describe(value.kind)} is not something a migration may do`
  const extra = Object.entries(value).find(([key, field]) => key !== 'kind' && isSet(field) && !fields.includes(key))
  if (extra !== undefined) return `"${spaced(extra[0])}" is not allowed in ${describe(value.kind)}`
  return forbiddenValue(value, scope) ?? firstOf(Object.values(value), (part) => forbiddenPart(part, scope))
}

function forbiddenValue(node: OperationNode & Fields, scope: GuardScope): string | null {
  switch (node.kind) {
    case 'RawNode':
      return rawPiece(node, scope)
    case 'OperatorNode':
      return comparisons.has(String(node.operator)) ? null : `the operator ${String(node.operator)} is not allowed`
    case 'ColumnDefinitionNode':
      return isNode(node.dataType) && node.dataType.kind === 'DataTypeNode' ? null : 'a column type may not be raw SQL'
    case 'DataTypeNode':
      return isColumnDataType(String(node.dataType)) && !String(node.dataType).includes('serial')
        ? null
        : `the column type ${String(node.dataType)} is not allowed`
    case 'ValueNode':
      return node.immediate === true && isConstant(node.value) ? null : 'a value is not a constant of the statement'
    default:
      return null
  }
}

function rawPiece(node: OperationNode, scope: GuardScope): string | null {
  const text = rawTextOf(node)
  if (isDirection(text)) return null
  return undeclared(text, scope) ?? (text === null ? null : fragmentRefusal(text))
}

/** Constants that read the same on every engine and under every setting. */
function isConstant(value: unknown): boolean {
  if (typeof value === 'string') return !/[\\\0]/.test(value)
  return value === null || typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value)
}

/** One migration is one object, in orch's schema. */
function wrongTarget(node: OperationNode & Fields, scope: GuardScope): string | null {
  if (node.kind === 'CreateSchemaNode') {
    return 'the schema is made by orch itself, not by a migration'
  }
  const target = (node.kind === 'InsertQueryNode' ? node.into : node.table) as TableNode | undefined
  if (target === undefined) return 'it names no table'
  const schema = target.table.schema?.name ?? null
  if (schema !== scope.schema) return `it names the schema ${schema ?? '(none)'} instead of ${scope.schema ?? '(none)'}`
  const table = target.table.identifier.name
  return table === scope.table ? null : `it touches the table ${table}, but the migration is about ${scope.table}`
}

const uniqueOnRows = 'a unique index on a table with rows may refuse them'

/** Rows that exist must stay valid: nothing that old rows could break, nothing that rewrites or adds to them. */
function unsafeRows(node: OperationNode & Fields, scope: GuardScope): string | null {
  switch (node.kind) {
    case 'CreateIndexNode':
      return node.unique === true && !scope.createsTable ? uniqueOnRows : null
    case 'InsertQueryNode':
      return scope.createsTable ? null : 'rows are only added to a table that the same migration created'
    case 'AlterTableNode': {
      const alterations = node.columnAlterations as readonly (OperationNode & Fields)[] | undefined
      return alterations?.length === 1 ? firstOf(alterations, unsafeAddition) : 'it must add exactly one column'
    }
    default:
      return null
  }
}

function unsafeAddition(alteration: OperationNode & Fields): string | null {
  if (alteration.kind !== 'AddColumnNode') return `${describe(alteration.kind)} is not something a migration may do`
  const column = alteration.column as Fields
  if (isSet(column.primaryKey) || isSet(column.unique)) return 'an added column cannot be a key of the rows that exist'
  const required = isSet(column.notNull)
  if (!isSet(column.defaultTo)) return required ? 'an added column must be nullable or have a constant default' : null
  const constant = constantOf(column.defaultTo)
  if (constant === undefined) return 'the default of an added column must be a constant'
  return required && constant === null ? 'an added column that is required cannot be null by default' : null
}

/** Undefined for anything else, which could be computed anew for every row and so rewrite the table. */
function constantOf(node: unknown): unknown {
  if (!isNode(node) || !isNode(node.defaultValue)) return undefined
  return node.defaultValue.kind === 'ValueNode' ? node.defaultValue.value : undefined
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
