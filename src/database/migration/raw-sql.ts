import type { OperationNode } from 'kysely'

type Fields = Readonly<Record<string, unknown>>

/** The text of a raw piece, or null where it was put together from parts. */
export function rawTextOf(node: OperationNode): string | null {
  const { sqlFragments, parameters } = node as OperationNode & Fields
  if (!Array.isArray(sqlFragments) || !Array.isArray(parameters)) return null
  return parameters.length === 0 && sqlFragments.length === 1 ? String(sqlFragments[0]) : null
}

/** Those of the declared texts that are nowhere in the statements. */
export function unusedRawSql(declared: readonly string[], statements: readonly OperationNode[]): readonly string[] {
  const found = new Set(statements.flatMap(rawTextsIn))
  return declared.filter((text) => !found.has(text))
}

function rawTextsIn(value: unknown): readonly (string | null)[] {
  if (Array.isArray(value)) return value.flatMap(rawTextsIn)
  if (typeof value !== 'object' || value === null) return []
  if ('kind' in value && value.kind === 'RawNode') return [rawTextOf(value as OperationNode)]
  return Object.values(value).flatMap(rawTextsIn)
}
