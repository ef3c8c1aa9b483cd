import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, describe, inject, onTestFinished } from 'vitest'
import { openDatabase, type Database, type OpenOptions } from '../../src/database/connection.ts'
import { systemClock, type Clock } from '../../src/runtime/clock.ts'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import { migrateSchema } from './migrated-template.ts'

export interface TestDatabaseOptions {
  /** Run every migration first; default true. */
  readonly migrate?: boolean
  /** What `now` answers where the database trusts this machine's clock. Its sleeps are not used. */
  readonly clock?: Clock
  readonly random?: Random
}

export interface TestDatabase extends Database {
  /** For `openDatabase` and `--db`. */
  readonly url: string
  /** For `ORCH_DB_SCHEMA`; undefined on SQLite. */
  readonly schema: string | undefined
  /** Names this database to a call of orch. */
  readonly env: Readonly<Record<string, string>>
  /** Another connection to the same database, or to the one at `url`, closed with the test. */
  connect(options?: Partial<OpenOptions> & { readonly url?: string }): Promise<Database>
}

export type OpenTestDatabase = (options?: TestDatabaseOptions) => Promise<TestDatabase>

interface Place {
  readonly url: string
  readonly schema: string | undefined
  /** Before it is opened. */
  prepare(): void
  /** After it was opened. */
  migrate(database: Database): Promise<void>
  /** Closes the database and leaves nothing behind. */
  remove(database: Database): Promise<void>
}

/** Runs a suite twice, on SQLite files and on Postgres schemas; each `open` is a fresh database, removed after its test. */
export function describeEachDatabase(name: string, suite: (open: OpenTestDatabase) => void): void {
  describeSqlite(name, suite)
  describePostgres(name, suite)
}

/** For what only a file does. */
export function describeSqlite(name: string, suite: (open: OpenTestDatabase) => void): void {
  describe(`${name} on SQLite`, () => runSuite(sqlitePlace, suite))
}

/** For what only a server does. */
export function describePostgres(name: string, suite: (open: OpenTestDatabase) => void): void {
  describe(`${name} on Postgres`, () => runSuite(postgresPlace, suite))
}

function runSuite(makePlace: () => Place, suite: (open: OpenTestDatabase) => void): void {
  const endings: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const ending of endings.splice(0).toReversed()) await ending()
  })
  suite((options = {}) => openPlace(makePlace(), options, endings))
}

async function openPlace(place: Place, options: TestDatabaseOptions, endings: (() => Promise<void>)[]) {
  const clock = options.clock
  const defaults: OpenOptions = {
    // A fake clock must not stop the retry loop that waits for a lock.
    clock: clock === undefined ? systemClock : { ...systemClock, now: () => clock.now() },
    random: options.random ?? seededRandom(1),
    schema: place.schema,
    create: true,
    connections: 4,
  }
  if (options.migrate !== false) place.prepare()
  const database = await openDatabase(place.url, defaults)
  endings.push(() => place.remove(database))
  if (options.migrate !== false) await place.migrate(database)
  const connect: TestDatabase['connect'] = async ({ url = place.url, ...extra } = {}) => {
    const other = await openDatabase(url, { ...defaults, ...extra })
    endings.push(() => other.close())
    return other
  }
  const env: Record<string, string> = { ORCH_DATABASE_URL: place.url }
  if (place.schema !== undefined) env['ORCH_DB_SCHEMA'] = place.schema
  return { ...database, url: place.url, schema: place.schema, env, connect }
}

function sqlitePlace(): Place {
  const directory = makeDirectory()
  const url = join(directory, 'orch.db')
  return {
    url,
    schema: undefined,
    prepare: () => copyFileSync(inject('migratedTemplate').file, url),
    migrate: async () => {},
    remove: async (database) => {
      await database.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

let places = 0

function postgresPlace(): Place {
  const url = inject('postgresUrl')
  const schema = `orch_test_${process.pid}_${(places += 1)}_${Date.now().toString(36)}`
  return {
    url,
    schema,
    prepare: () => {},
    migrate: (database) => migrateSchema(database, schema, inject('migratedTemplate')),
    remove: async (database) => {
      // The test may have closed or broken its connection.
      await dropSchema(database, schema).catch(async () => {
        const fresh = await openDatabase(url, { clock: systemClock, random: seededRandom(1), connections: 1 })
        await dropSchema(fresh, schema)
        await fresh.close()
      })
      await database.close()
    },
  }
}

async function dropSchema({ db }: Database, schema: string): Promise<void> {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db)
}

function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'orch-test-'))
}

/** A fresh directory, removed after the test that asks for it (in the test itself or in `beforeEach`). */
export function temporaryDirectory(): string {
  const directory = makeDirectory()
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
