import type { Shape } from './dialect.ts'

/** Turns (table, column) pairs into a Shape. */
export function groupColumns(rows: readonly { name: string; column_name: string }[]): Shape {
  const shape = new Map<string, Set<string>>()
  for (const { name, column_name } of rows) {
    const columns = shape.get(name) ?? new Set<string>()
    shape.set(name, columns.add(column_name))
  }
  return shape
}
