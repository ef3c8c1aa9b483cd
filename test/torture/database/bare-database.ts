import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase, type Database, type OpenOptions } from '../../../src/database/connection.ts'
import { openForReading } from '../../../src/database/migration/open-for-reading.ts'
import { migrate, type MigrateOptions, type MigrationReport } from '../../../src/database/migration/migrate.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { planMigration, type MigrationPlan } from '../../../src/database/migration/plan-migration.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import type { Scene } from '../line.ts'

/** An empty place for a database: a path without a file, or a server without the schema. */
export interface BarePlace {
  readonly url: string
  readonly schema: string | undefined
}

/** A place whose database is open. */
export interface BareDatabase extends BarePlace {
  readonly database: Database
  /** Another connection, which the caller closes. */
  connect(extra?: Partial<OpenOptions>): Promise<Database>
}

let places = 0

export function barePlace({ engine, server, cwd }: Scene): BarePlace {
  const name = `bare_${process.pid}_${(places += 1)}`
  if (engine === 'SQLite') return { url: join(cwd, `${name}.db`), schema: undefined }
  if (server === null) throw new Error('This scene needs a server')
  return { url: server.url, schema: name }
}

/** Opens the place, creating its file, and removes it after the work: the schema at once, the file with the scene. */
export async function inBareDatabase<T>(scene: Scene, work: (bare: BareDatabase) => Promise<T>): Promise<T> {
  const place = barePlace(scene)
  const connect = (extra: Partial<OpenOptions> = {}) => openPlace(place, extra)
  const database = await connect()
  try {
    return await work({ ...place, database, connect })
  } finally {
    await removeSchema(database, place)
    await database.close()
  }
}

export function openPlace({ url, schema }: BarePlace, extra: Partial<OpenOptions> = {}): Promise<Database> {
  return openDatabase(url, { clock: systemClock, random: systemRandom, schema, create: true, connections: 4, ...extra })
}

export async function removeSchema({ db }: Database, { schema }: BarePlace): Promise<void> {
  if (schema !== undefined) await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db)
}

export const migrateOptions = { clock: systemClock, toolVersion: 'torture' }

/** The real run. */
export function apply(
  database: Database,
  migrations: readonly Migration[],
  more: Partial<MigrateOptions> = {},
): Promise<MigrationReport> {
  return migrate(database, { ...migrateOptions, migrations, ...more })
}

/** The dry run, from outside. */
export async function dryRun({ url, schema }: BarePlace, migrations: readonly Migration[]): Promise<MigrationPlan> {
  const reading = await openForReading(url, { clock: systemClock, random: systemRandom, schema })
  try {
    return await planMigration(reading.database, { ...migrateOptions, migrations, openScratch: reading.openScratch })
  } finally {
    await reading.close()
  }
}

/** The exit code that a call fails with, or 0. */
export async function exitCodeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call
    return 0
  } catch (error) {
    return (error as { readonly exitCode?: number }).exitCode ?? 1
  }
}

/** Everything there is, as one text: names, definitions and rows of every table. For comparing before with after. */
export async function contentOf({ db, dialect }: Database): Promise<string> {
  const shape = await dialect.shape(db)
  const indexes = [...(await dialect.indexNames(db))].toSorted()
  const tables: unknown[] = []
  for (const [name, columns] of [...shape].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const { rows } = await sql`select * from ${sql.id(name)}`.execute(db)
    tables.push([name, [...columns], rows.map((row) => JSON.stringify(row)).toSorted()])
  }
  return JSON.stringify({ tables, indexes })
}
