import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../support/databases.ts'
import { itemLine } from './database.ts'
import { databaseItems, promisesListed } from './database/index.ts'
import type { DatabaseItem } from './database/item.ts'
import { inShortForm } from './in-short-form.ts'
import { exactly, type Scene } from './line.ts'

for (const item of databaseItems) inShortForm(itemLine(item))

it('names every item once and numbers it after the list', () => {
  const names = databaseItems.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const number of databaseItems.flatMap(({ numbers }) => numbers)) {
    expect(number).toBeGreaterThanOrEqual(1)
    expect(number).toBeLessThanOrEqual(promisesListed)
  }
})

it('tells each item by its number, in a workspace of its own, and counts one that throws as broken', async () => {
  const cwd = temporaryDirectory()
  let told = ''
  const open = () => Promise.reject(new Error('not needed'))
  const scene: Scene = { engine: 'SQLite', open, cwd, seed: 1, server: null, report: (text) => void (told += text) }
  const item: DatabaseItem = {
    numbers: [7, 8],
    name: 'some item',
    promise: 'is fine',
    run: async (own) => {
      expect(own.cwd).toBe(join(cwd, 'some-item'))
      return [exactly('lost', 0, 0)]
    },
  }
  const [lost] = await itemLine(item).run(scene, 'short')
  expect([lost, told]).toEqual([exactly('7+8 some item: lost', 0, 0), '  7+8 some item: held\n'])
  const [threw] = await itemLine({ ...item, run: open }).run(scene, 'short')
  expect(threw).toMatchObject({ name: '7+8 some item: threw', value: 'not needed', pass: false })
  expect(told).toContain('7+8 some item: BROKEN\n')
  expect(await itemLine({ ...item, engines: ['Postgres'] }).run(scene, 'short')).toEqual([])
})
