/** Promise 11: any number of processes migrate one database at once: one does all of it, the others find it done. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../../../src/database/connection.ts'
import { runOrchProcess } from '../../support/run-orch.ts'
import { exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import { withScript } from '../scripts.ts'
import { inBareDatabase } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'
import { MigratorProcess } from './migrator-process.ts'
import type { MigratorReport } from './migrator-runner.ts'

interface Extent {
  readonly processes: number
  readonly races: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { processes: 3, races: 4 },
  normal: { processes: 8, races: 100 },
  full: { processes: 8, races: 1000 },
}

export const races: DatabaseItem = {
  numbers: [11],
  name: 'races',
  promise:
    'of eight processes that migrate at once, with temporary directories of their own, one does all of it and seven find it done',
  run: async (scene, size) => [
    ...(await raceOften(scene, extents[size])),
    ...(size === 'short' ? [] : await raceProgram(scene, extents[size].processes)),
  ],
}

async function raceOften(scene: Scene, { processes, races: count }: Extent): Promise<readonly Figure[]> {
  return withScript('database/migrator-runner', async (script) => {
    const racers = Array.from({ length: processes }, (_, index) => {
      return new MigratorProcess(script, join(scene.cwd, `temporary-${index}`))
    })
    try {
      await Promise.all(racers.map((one) => one.ready()))
      const seen: Race[] = []
      // Mostly with one migration, where nothing can be shared out, and now and then with three, where losers wait longer.
      for (let round = 0; round < count; round++) seen.push(await race(scene, racers, round % 4 === 3 ? 3 : 1))
      return figuresOf(seen, processes)
    } finally {
      await Promise.all(racers.map((one) => one.kill()))
    }
  })
}

interface Race {
  readonly migrations: number
  readonly failed: readonly string[]
  /** Processes that committed something. */
  readonly appliers: number
  /** Migrations that are not there exactly once, by what the processes say, the ledger and the first rows. */
  readonly wrong: number
  readonly elapsedMs: number
}

async function race(scene: Scene, racers: readonly MigratorProcess[], migrations: number): Promise<Race> {
  return inBareDatabase(scene, async ({ database, url, schema }) => {
    const begin = performance.now()
    for (const racer of racers) racer.tell({ url, schema, migrations })
    const reports = await Promise.all(racers.map((racer) => racer.report()))
    const elapsedMs = performance.now() - begin
    const told = reports.filter((report): report is MigratorReport => report !== null)
    const names = told.flatMap(({ applied }) => applied)
    const once = names.length === migrations && new Set(names).size === migrations
    const stored = await countOnce(database, migrations)
    return {
      migrations,
      failed: told.filter(({ exitCode }) => exitCode !== 0).map(({ message }) => message),
      appliers: told.filter(({ applied }) => applied.length > 0).length,
      wrong: (once ? 0 : 1) + (stored === migrations ? 0 : 1),
      elapsedMs,
    }
  })
}

/** Migrations whose first row and whose row of the ledger exist once. */
async function countOnce({ db }: Database, migrations: number): Promise<number> {
  const ledger = await db.selectFrom('orch_migrations').select('name').execute()
  let once = 0
  for (let number = 1; number <= migrations; number++) {
    const { rows } = await sql`select id from ${sql.id(`numbered_${number}`)}`.execute(db)
    const recorded = ledger.filter(({ name }) => name === `${9100 + number}-numbered`)
    if (rows.length === 1 && recorded.length === 1) once += 1
  }
  return once
}

function figuresOf(seen: readonly Race[], processes: number): readonly Figure[] {
  const failures = seen.flatMap(({ failed }) => failed)
  const shared = (size: number) =>
    seen.filter(({ migrations, appliers }) => migrations === size && appliers !== 1).length
  const times = seen.map(({ elapsedMs }) => elapsedMs).toSorted((a, b) => a - b)
  return [
    noted('races x processes', `${seen.length} x ${processes}`),
    exactly('processes that failed', failures.length, 0),
    ...failures.slice(0, 3).map((message) => noted('failure', message.slice(0, 200))),
    exactly('races after which a migration is not there exactly once', seen.filter(({ wrong }) => wrong > 0).length, 0),
    exactly('races for one migration that not exactly one process won', shared(1), 0),
    // Not promised, only meant: a migrator that is slow may be taken over from.
    noted('races for three migrations that not exactly one process won', shared(3)),
    noted('median of a race, ms', times[Math.floor(times.length / 2)] ?? 0),
  ]
}

/** The program itself, with all of orch's own migrations. */
async function raceProgram(scene: Scene, processes: number): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ url, schema }) => {
    const runs = Array.from({ length: processes }, async (_, index) => {
      const cwd = join(scene.cwd, `program-${index}`)
      const temporary = join(cwd, 'temporary')
      mkdirSync(temporary, { recursive: true })
      const env = {
        ORCH_DATABASE_URL: url,
        TMPDIR: temporary,
        ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }),
      }
      return runOrchProcess(['db', 'migrate'], { cwd, env })
    })
    const results = await Promise.all(runs)
    const idle = results.filter(({ stdout }) => stdout.startsWith('Nothing to do'))
    return [
      exactly(
        'calls of orch db migrate that end with 0',
        results.filter(({ exitCode }) => exitCode === 0).length,
        processes,
      ),
      exactly('calls of orch db migrate that say there is nothing to do', idle.length, processes - 1),
    ]
  })
}
