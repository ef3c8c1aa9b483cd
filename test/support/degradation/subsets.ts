/** Which tables are taken away for a call: every subset of its own where there are few, a seeded choice where there are many. */
import type { TableName } from '../../../src/database/tables.ts'
import { ownTables, type TableUse } from '../../../src/doctor/table-use.ts'
import type { Random } from '../../../src/runtime/random.ts'

export type Subset = ReadonlySet<TableName>

/** Every subset but the empty one. */
export function everySubset(tables: readonly TableName[]): Subset[] {
  return Array.from({ length: 2 ** tables.length - 1 }, (_, index) => subsetOf(tables, index + 1))
}

/** Those whose bit is set in the mask. */
export function subsetOf(tables: readonly TableName[], mask: number): Subset {
  return new Set(tables.filter((_, bit) => ((mask >> bit) & 1) === 1))
}

/** A subset that is not empty; each table is in it with even odds. */
export function randomSubset(tables: readonly TableName[], random: Random): Subset {
  return subsetOf(tables, 1 + Math.floor(random.next() * (2 ** tables.length - 1)))
}

/** How much of a call's own set is tried. */
export interface Breadth {
  /** Every subset where there are at most so many. */
  readonly everyUpTo: number
  /** Otherwise all of its tables at once, single ones, and any. */
  readonly singles: number
  readonly random: number
}

/** The subsets of a command's own tables that are tried. */
export function chosenSubsets(use: TableUse, breadth: Breadth, random: Random): readonly Subset[] {
  const own = ownTables(use)
  if (own.length === 0) return []
  if (2 ** own.length <= breadth.everyUpTo) return everySubset(own)
  const singles = shuffled(own, random).slice(0, breadth.singles)
  return [
    new Set(own),
    ...singles.map((table) => new Set([table])),
    ...Array.from({ length: breadth.random }, () => randomSubset(own, random)),
  ]
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, order: random.next() }))
    .toSorted((left, right) => left.order - right.order)
    .map(({ item }) => item)
}
