import { expect, inject, it } from 'vitest'
import { describePostgres, describeSqlite, temporaryDirectory, type OpenTestDatabase } from '../support/databases.ts'
import type { Engine, Scene, TortureLine } from './line.ts'
import { makeWorkspace } from './scene.ts'

/** The line at its short size as tests, one per engine: every figure must be within its bound. */
export function inShortForm(line: TortureLine): void {
  const engines = line.engines ?? ['SQLite', 'Postgres']
  if (engines.includes('SQLite')) describeSqlite(line.name, (open) => shortTest(line, 'SQLite', open))
  if (engines.includes('Postgres')) describePostgres(line.name, (open) => shortTest(line, 'Postgres', open))
}

function shortTest(line: TortureLine, engine: Engine, open: OpenTestDatabase): void {
  it(`${line.promise}`, async () => {
    const figures = await line.run(testScene(engine, open), 'short')
    expect(figures.length).toBeGreaterThan(0)
    const broken = figures.filter(({ pass }) => !pass)
    expect(broken.map(({ name, value, bound }) => `${name}: ${value} instead of ${bound}`)).toEqual([])
  }, 60_000)
}

/** A scene whose databases belong to the test, and whose server belongs to the whole run. */
function testScene(engine: Engine, open: OpenTestDatabase): Scene {
  return {
    engine,
    open: async () => {
      const database = await open()
      return { database, url: database.url, schema: database.schema }
    },
    cwd: makeWorkspace(temporaryDirectory()),
    seed: Number(process.env['ORCH_TORTURE_SEED'] ?? 1),
    server: engine === 'Postgres' ? { url: inject('postgresUrl'), stop: async () => {} } : null,
    report: () => {},
  }
}
