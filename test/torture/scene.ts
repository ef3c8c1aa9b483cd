import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrations } from '../../migrations/index.ts'
import { openDatabase, type Database } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import type { Engine, OpenedDatabase, Scene } from './line.ts'

export interface SceneOptions {
  readonly engine: Engine
  readonly seed: number
  readonly server: PostgresServer | null
  /** Default: says nothing. */
  readonly report?: Scene['report']
}

/** Gives `work` a scene and removes it afterwards, whatever happened. */
export async function inScene<T>(options: SceneOptions, work: (scene: Scene) => Promise<T>): Promise<T> {
  const place = mkdtempSync(join(tmpdir(), 'orch-torture-'))
  const opened: OpenedDatabase[] = []
  const open = async () => {
    const one = await openFresh(options, { place, number: opened.length + 1 })
    opened.push(one)
    return one
  }
  try {
    return await work({ report: () => {}, ...options, open, cwd: makeWorkspace(join(place, 'work')) })
  } finally {
    for (const one of opened) await remove(one).catch(() => {})
    rmSync(place, { recursive: true, force: true })
  }
}

/** An empty directory that is a workspace. */
export function makeWorkspace(directory: string): string {
  mkdirSync(join(directory, '.orch'), { recursive: true })
  writeFileSync(join(directory, '.orch', 'workspace.json'), '{"version":1,"id":"torture"}\n')
  return directory
}

let schemas = 0

async function openFresh(
  { engine, server }: SceneOptions,
  { place, number }: { readonly place: string; readonly number: number },
): Promise<OpenedDatabase> {
  if (engine === 'Postgres' && server === null) throw new Error('This scene needs a server')
  const schema = engine === 'Postgres' ? `torture_${process.pid}_${(schemas += 1)}` : undefined
  const url = server === null || engine === 'SQLite' ? join(place, `orch-${number}.db`) : server.url
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, schema, create: true })
  await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
  return { database, url, schema }
}

/** A line may have closed or broken its connection; the server of the run is stopped later anyway. */
async function remove({ database, schema }: OpenedDatabase): Promise<void> {
  try {
    if (schema !== undefined) await dropSchema(database, schema)
  } finally {
    await database.close()
  }
}

async function dropSchema({ db }: Database, schema: string): Promise<void> {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db)
}
