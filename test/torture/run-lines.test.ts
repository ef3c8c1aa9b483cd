import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { atMost, exactly, type Figure, type Scene, type TortureLine } from './line.ts'
import { runLines } from './run-lines.ts'

function aLine(name: string, run: (scene: Scene) => Promise<readonly Figure[]>): TortureLine {
  return { name, promise: `${name} promises`, engines: ['SQLite'], run }
}

async function runAll(lines: readonly TortureLine[]) {
  let printed = ''
  const held = await runLines(lines, { size: 'short', seed: 7, print: (text) => (printed += text) })
  return { held, printed }
}

it('prints the seed, the machine, every figure with its bound, and that every promise held', async () => {
  const { held, printed } = await runAll([
    aLine('good', async ({ open, seed }) => {
      const { database } = await open()
      const jobs = await database.db.selectFrom('jobs').select('id').execute()
      return [exactly('jobs', jobs.length, 0), atMost('seed', seed, { limit: 7.5, unit: 'ms' })]
    }),
  ])
  expect(held).toBe(true)
  expect(printed).toMatch(/seed 7 .*\ncalibration: node -e 0 median .* ms; write \+ fsync p50 .*, p99 .*, max .* ms\n/)
  expect(printed).toMatch(/good +SQLite +jobs +0 +0 +yes\ngood +SQLite +seed +7 +<= 7.5 ms +yes\n/)
  expect(printed).toContain('every promise held')
})

it('counts a line that throws, a broken bound and a forgotten process as broken, and runs the rest', async () => {
  const places: string[] = []
  const { held, printed } = await runAll([
    aLine('throws', async ({ cwd, open }) => {
      places.push(cwd, (await open()).url)
      throw new Error('no luck')
    }),
    aLine('broken', async () => [exactly('lost', 1, 0)]),
    aLine('forgets', async () => {
      spawn('sleep', ['60'])
      return [exactly('lost', 0, 0)]
    }),
    aLine('good', async () => [exactly('lost', 0, 0)]),
  ])
  expect(held).toBe(false)
  expect(printed).toMatch(/throws +SQLite +threw +no luck/)
  expect(printed).toMatch(/broken +SQLite +lost +1 +0 +NO/)
  expect(printed).toMatch(/forgets +SQLite +children left behind +1 +0 +NO/)
  expect(printed).toMatch(/good +SQLite +lost +0 +0 +yes/)
  expect(printed).toContain('BROKEN: throws on SQLite, broken on SQLite, forgets on SQLite\n')
  expect(places.map((place) => existsSync(place))).toEqual([false, false])
})
