/** Promise 10: kill -9 at any point of a run, and the next run completes by itself, each migration exactly once. */
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../../../src/database/connection.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { numberedMigrations } from '../../support/migration-fixtures.ts'
import { atLeast, exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import { withScript } from '../scripts.ts'
import { apply, inBareDatabase } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'
import { MigratorProcess, MigratorSupply } from './migrator-process.ts'
import type { MigratorReport } from './migrator-runner.ts'

interface Extent {
  readonly migrations: number
  readonly randomKills: number
  /** Boundaries between statements that only read count too. */
  readonly countReads: boolean
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { migrations: 1, randomKills: 3, countReads: false },
  normal: { migrations: 10, randomKills: 50, countReads: false },
  full: { migrations: 10, randomKills: 200, countReads: true },
}

export const crash: DatabaseItem = {
  numbers: [10],
  name: 'crash',
  promise: 'after kill -9 at any statement of a run the next one completes by itself, each migration exactly once',
  run: (scene, size) =>
    withScript('database/migrator-runner', async (script) => {
      let made = 0
      const make = () => new MigratorProcess(script, join(scene.cwd, `migrator-${(made += 1)}`))
      const supply = new MigratorSupply(make, size === 'short' ? 2 : 4)
      try {
        const parts = { scene, supply, extent: extents[size] }
        return [...(await atEveryBoundary(parts)), ...(await atRandomPoints(parts))]
      } finally {
        await supply.close()
      }
    }),
}

interface Parts {
  readonly scene: Scene
  readonly supply: MigratorSupply
  readonly extent: Extent
}

/**
 * On one database: killed before statement 1, before statement 2, and so on, until a migration was committed; then
 * the same for the next one. So every boundary of every migration is met, and harm would add up.
 */
async function atEveryBoundary({ scene, supply, extent }: Parts): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ database, url, schema }) => {
    let kills = 0
    let broken = 0
    let survivor: MigratorReport | null = null
    let committed = 0
    while (survivor === null) {
      for (let dieBefore = 1; ; dieBefore++) {
        const runner = await supply.take()
        runner.tell({ url, schema, migrations: extent.migrations, dieBefore, countReads: extent.countReads })
        survivor = await runner.report()
        if (survivor !== null) {
          await runner.end()
          break
        }
        kills += 1
        const now = await readState(database)
        if (!now.sound) broken += 1
        if (now.recorded === committed) continue
        committed = now.recorded
        break
      }
    }
    return [
      atLeast('kills before a statement, begin or commit', kills, { limit: extent.migrations * 5 }),
      exactly('kills that left half a migration', broken, 0),
      exactly('exit code of the run that was not killed', survivor.exitCode, 0),
      exactly('migrations applied exactly once', await appliedOnce(database), extent.migrations),
    ]
  })
}

/** At any time, inside a statement too, of a whole run in a database of its own. */
async function atRandomPoints({ scene, supply, extent }: Parts): Promise<readonly Figure[]> {
  const random = seededRandom(scene.seed)
  const migrations = Math.max(extent.migrations, 3)
  let usualMs = 0
  let kills = 0
  let broken = 0
  let complete = 0
  for (let round = 0; round <= extent.randomKills; round++) {
    await inBareDatabase(scene, async ({ database, url, schema }) => {
      const runner = await supply.take()
      runner.tell({ url, schema, migrations })
      if (round === 0) {
        usualMs = (await runner.report())?.elapsedMs ?? 0
        return runner.end()
      }
      await new Promise((resolve) => setTimeout(resolve, random.next() * usualMs))
      await runner.kill()
      kills += 1
      if (!(await readState(database)).sound) broken += 1
      await apply(database, numberedMigrations(migrations))
      if ((await appliedOnce(database)) === migrations) complete += 1
    })
  }
  return [
    noted('length of a whole run, ms', usualMs),
    exactly('kills at random points', kills, extent.randomKills),
    exactly('random kills that left half a migration', broken, 0),
    exactly('random kills after which the next run completed, each migration exactly once', complete, kills),
  ]
}

interface Seen {
  readonly recorded: number
  /** Every table that exists is whole, with its index, its row and its row of the ledger, and nothing else exists. */
  readonly sound: boolean
}

/** Read by an outside witness rather than by the code under test. */
async function readState({ db, dialect }: Database): Promise<Seen> {
  const tables = [...(await dialect.shape(db)).keys()].filter((name) => name.startsWith('numbered_'))
  const indexes = [...(await dialect.indexNames(db))].filter((name) => name.startsWith('numbered_'))
  const hasLedger = (await dialect.shape(db)).has('orch_migrations')
  const recorded = hasLedger ? (await db.selectFrom('orch_migrations').select('name').execute()).length : 0
  let rows = 0
  for (const table of tables) {
    rows += (await sql<{ id: number }>`select id from ${sql.id(table)}`.execute(db)).rows.length
  }
  const counts = [indexes.length, recorded, rows]
  return { recorded, sound: counts.every((number) => number === tables.length) }
}

async function appliedOnce({ db }: Database): Promise<number> {
  const rows = await db.selectFrom('orch_migrations').select(['name', 'outcome']).execute()
  const names = rows.filter(({ outcome }) => outcome === 'applied').map(({ name }) => name)
  return new Set(names).size === rows.length ? rows.length : -1
}
