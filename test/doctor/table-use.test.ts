import { describe, expect, it } from 'vitest'
import type { TableName } from '../../src/database/tables.ts'
import { withoutTable } from '../../src/doctor/missing-table.ts'
import { ownTables, standingOf, type TableUse } from '../../src/doctor/table-use.ts'
import { commandModule, everyCommand } from '../support/degradation-suite.ts'

const everyTable = Object.keys(withoutTable) as TableName[]
const rank = { works: 0, reduced: 1, off: 2 } as const

/** Visits every subset of the tables, each one table away from the one before (a Gray code). */
function eachSubset(tables: readonly TableName[], visit: (missing: ReadonlySet<TableName>, mask: number) => void) {
  const missing = new Set<TableName>()
  let mask = 0
  visit(missing, mask)
  for (let step = 1; step < 2 ** tables.length; step++) {
    const bit = Math.log2(step & -step)
    const table = tables[bit] as TableName
    mask ^= 1 << bit
    if (!missing.delete(table)) missing.add(table)
    visit(missing, mask)
  }
}

function maskOf(tables: readonly TableName[], order: readonly TableName[]): number {
  return tables.reduce((mask, table) => mask | (1 << order.indexOf(table)), 0)
}

/** Where the answer differs from what two masks say; null where it never does. */
function firstDifference(use: TableUse, tables: readonly TableName[], flag?: string): string | null {
  const needs = maskOf((flag === undefined ? undefined : use.needsWith?.[flag]) ?? use.needs, tables)
  const own = maskOf(ownTables(use), tables)
  let difference: string | null = null
  eachSubset(tables, (missing, mask) => {
    const wanted = (mask & needs) !== 0 ? 'off' : (mask & own) !== 0 ? 'reduced' : 'works'
    const standing = standingOf(use, missing, flag === undefined ? [] : [flag])
    const named = standing.kind === 'works' ? 0 : maskOf(standing.missing, tables)
    const due = wanted === 'off' ? mask & needs : mask & own
    if (standing.kind !== wanted || named !== due)
      difference ??= `${[...missing].join()}: ${standing.kind}, not ${wanted}`
  })
  return difference
}

describe('how a command stands', () => {
  it('follows from its declaration for every subset of its own tables', async () => {
    const uses = new Set(await Promise.all(everyCommand.map(async (path) => (await commandModule(path)).tables)))
    const differences = [...uses].flatMap((use) =>
      [undefined, ...Object.keys(use.needsWith ?? {})].map((flag) => firstDifference(use, ownTables(use), flag)),
    )
    expect(differences.filter((one) => one !== null)).toEqual([])
    expect(differences.length).toBeGreaterThan(20)
  })

  it('does not depend on tables that are not its own: all 2^17 subsets of all tables', async () => {
    const { tables: use } = await commandModule('jobs retry')
    expect(firstDifference(use, everyTable)).toBeNull()
    expect(firstDifference(use, everyTable, '--continue')).toBeNull()
  })

  it('never becomes worse when a table appears', async () => {
    const { tables: use } = await commandModule('project apply')
    const own = ownTables(use)
    const worse: string[] = []
    eachSubset(own, (missing) => {
      const now = rank[standingOf(use, missing).kind]
      for (const table of missing) {
        const after = rank[standingOf(use, new Set([...missing].filter((one) => one !== table))).kind]
        if (after > now) worse.push(`${table} back in ${[...missing].join()}`)
      }
    })
    expect(worse).toEqual([])
  })
})
