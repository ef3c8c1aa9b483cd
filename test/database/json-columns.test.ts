import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { isJsonColumn } from '../../src/database/json-columns.ts'
import { migrations } from '../../migrations/index.ts'

it('names exactly the columns of type Json in tables.ts', () => {
  const source = readFileSync(new URL('../../src/database/tables.ts', import.meta.url), 'utf8')
  const tableOf = new Map([...source.matchAll(/^ {2}(\w+): (\w+Row)$/gm)].map((found) => [found[2], found[1]]))
  const typed = [...source.matchAll(/^export interface (\w+Row) \{\n([\s\S]*?)^\}/gm)].flatMap(([, row, body = '']) =>
    [...body.matchAll(/^ {2}(\w+): Json\b/gm)].map((found) => `${tableOf.get(row)}.${found[1]}`),
  )
  const named = migrations.flatMap(({ table, columns }) =>
    columns.filter((column) => isJsonColumn(table, column)).map((column) => `${table}.${column}`),
  )
  expect(typed.length).toBeGreaterThan(10)
  expect(named.toSorted()).toEqual(typed.toSorted())
  expect(isJsonColumn('constructor', 'name')).toBe(false)
})
