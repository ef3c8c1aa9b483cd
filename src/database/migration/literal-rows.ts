import {
  ValueListNode,
  ValueNode,
  ValuesNode,
  type InsertQueryNode,
  type OperationNode,
  type RootOperationNode,
} from 'kysely'

/**
 * The statement with the values of an insert written into it: a migration's statements have no parameters, so that
 * what is shown, hashed and sent is one text. Everything but an insert is returned as it is.
 */
export function withLiteralRows(node: RootOperationNode): RootOperationNode {
  if (node.kind !== 'InsertQueryNode') return node
  const insert = node as InsertQueryNode
  if (insert.values === undefined || !ValuesNode.is(insert.values)) return node
  const rows = insert.values.values.map((row) => ValueListNode.create(literalsOf(row)))
  const literal: InsertQueryNode = { ...insert, values: ValuesNode.create(rows) }
  return literal
}

/** How many rows an insert adds. */
export function rowCountOf({ values }: InsertQueryNode): number {
  return values !== undefined && ValuesNode.is(values) ? values.values.length : 0
}

type Row = ValuesNode['values'][number]

function literalsOf(row: Row): readonly OperationNode[] {
  if (row.kind === 'PrimitiveValueListNode') return row.values.map((value) => ValueNode.createImmediate(value))
  return row.values.map((node) => (ValueNode.is(node) ? ValueNode.createImmediate(node.value) : node))
}
