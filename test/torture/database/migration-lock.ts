/** Promises 12 and 13: the lock of a server is asked for and seen, and nobody waits long for a migrator. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database } from '../../../src/database/connection.ts'
import type { Trx } from '../../../src/database/dialect/dialect.ts'
import { migrationEngine } from '../../../src/database/migration/engine.ts'
import { underMigrationLock } from '../../../src/database/migration/migration-lock.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'
import { atMost, exactly, type Figure, type Scene } from '../line.ts'
import { withScript } from '../scripts.ts'
import { apply, exitCodeOf, inBareDatabase, type BareDatabase } from './bare-database.ts'
import { buildFigures } from './concurrent-index.ts'
import type { DatabaseItem } from './item.ts'
import { MigratorProcess } from './migrator-process.ts'

export const migrationLock: DatabaseItem = {
  numbers: [12, 13],
  name: 'migration lock',
  promise:
    'the lock is polled with a deadline and seen in pg_locks; a dead migrator frees it, an idle reader stalls nobody',
  engines: ['Postgres'],
  run: async (scene) => [
    ...(await deadline(scene)),
    ...(await buildFigures(scene)),
    ...(await settings(scene)),
    ...(await deadMigrator(scene)),
    ...(await idleReader(scene)),
  ],
}

const timeoutMs = 300

async function deadline(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ database, connect }) => {
    const other = await connect()
    try {
      return await holdingLock(other, async (trx) => {
        const pid = await ownPid(trx)
        const { rows } = await sql<{ pid: number }>`
          select pid from pg_locks where locktype = 'advisory' and granted and pid = ${pid}`.execute(database.db)
        const begin = performance.now()
        const call = apply(database, [createNotes], { lockTimeoutMs: timeoutMs })
        const error = await call.then(
          () => null,
          (thrown: unknown) => thrown as { readonly exitCode: number; readonly message: string },
        )
        const waitedMs = performance.now() - begin
        return [
          exactly('locks of the holder in pg_locks', rows.length, 1),
          exactly('exit code when the lock is not to be had', error?.exitCode ?? 0, 14),
          exactly(
            'messages that name the process of the holder',
            error?.message.includes(`process ${pid} `) ? 1 : 0,
            1,
          ),
          atMost('waited for it beyond the timeout', waitedMs - timeoutMs, { limit: 1000, unit: 'ms' }),
        ]
      })
    } finally {
      await other.close()
    }
  })
}

async function holdingLock<T>(database: Database, work: (trx: Trx) => Promise<T>): Promise<T> {
  const engine = await migrationEngine(database.dialect)
  return underMigrationLock(database, { engine, clock: systemClock, timeoutMs: 0 }, work)
}

async function ownPid(trx: Trx): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
  return rows[0]?.pid ?? 0
}

async function settings(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ connect }) => {
    const one = await connect({ connections: 1 })
    try {
      const read = async (db: Pick<Trx, 'getExecutor'> & Database['db']) => {
        const { rows } = await sql<Record<'locks' | 'statements' | 'connection', number>>`
          select ${milliseconds('lock_timeout')} as locks, ${milliseconds('statement_timeout')} as statements,
            ${milliseconds('client_connection_check_interval')} as connection`.execute(db)
        return rows[0] ?? { locks: 0, statements: 0, connection: 0 }
      }
      const before = await read(one.db)
      const during = await holdingLock(one, read)
      const after = await read(one.db)
      return [
        atMost('lock_timeout of a migration', during.locks || Infinity, { limit: 3000, unit: 'ms' }),
        atMost('statement_timeout of a migration', during.statements || Infinity, { limit: 3_600_000, unit: 'ms' }),
        atMost('client_connection_check_interval', during.connection || Infinity, { limit: 1000, unit: 'ms' }),
        exactly('settings that outlive it', JSON.stringify(before) === JSON.stringify(after) ? 0 : 1, 0),
      ]
    } finally {
      await one.close()
    }
  })
}

function milliseconds(setting: string) {
  return sql`(extract(epoch from current_setting(${setting})::interval) * 1000)::integer`
}

/** Killed in the middle of a statement that would go on for 20 s; from outside, until nobody holds the lock. */
async function deadMigrator(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, (bare) =>
    withScript('database/migrator-runner', async (script) => {
      const { database, url, schema = '' } = bare
      const runner = new MigratorProcess(script, join(scene.cwd, 'dead-migrator'))
      await runner.ready()
      await slowTables(bare)
      const engine = await migrationEngine(database.dialect)
      runner.tell({ url, schema, migrations: 1 })
      await until(async () => (await sleepers(database, schema)) > 0)
      const held = (await engine.lockHolder(database)) !== null
      const begin = performance.now()
      await runner.kill()
      await until(async () => (await engine.lockHolder(database)) === null)
      const freedMs = performance.now() - begin
      await sql`drop event trigger ${sql.id(`slow_${schema}`)}`.execute(database.db)
      const code = await exitCodeOf(apply(database, [createNotes]))
      return [
        exactly('locks held when a migrator is killed in a statement', held ? 1 : 0, 1),
        atMost('lock of a killed migrator is free after', freedMs, { limit: 2000, unit: 'ms' }),
        exactly('exit code of the next run', code, 0),
      ]
    }),
  )
}

/** The server knows one list of event triggers for everybody on it: this one looks only at its own schema. */
async function slowTables({ database, schema = '' }: BareDatabase): Promise<void> {
  const { db } = database
  await sql`create schema ${sql.id(schema)}`.execute(db)
  await sql`create function ${sql.id(schema, 'slow')}() returns event_trigger language plpgsql as $$
    begin if current_schema() = ${sql.lit(schema)} then perform pg_sleep(20); end if; end $$`.execute(db)
  await sql`create event trigger ${sql.id(`slow_${schema}`)} on ddl_command_end when tag in ('CREATE TABLE')
    execute function ${sql.id(schema, 'slow')}()`.execute(db)
}

async function sleepers({ db }: Database, schema: string): Promise<number> {
  const { rows } = await sql`
    select 1 from pg_stat_activity where wait_event = 'PgSleep' and query like ${`%"${schema}"%`}`.execute(db)
  return rows.length
}

/** Resolves when the condition holds; throws after 20 s. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('what was waited for did not happen')
    await pause(20)
  }
}

/** Somebody reads a table and forgets to commit; a migration wants to add a column; others go on reading. */
async function idleReader(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ database, connect }) => {
    await apply(database, [createNotes])
    const [idle, busy] = [await connect(), await connect()]
    try {
      const stop = new AbortController()
      const more = noteMigration((db) => db.schema.alterTable('notes').addColumn('more', 'text').execute())
      let migrating: Promise<number> = Promise.resolve(1)
      const longest = await idle.db.transaction().execute(async (trx) => {
        await sql`select * from notes`.execute(trx)
        migrating = exitCodeOf(apply(database, [createNotes, more]))
        const reading = longestRead(busy, stop.signal)
        await pause(2500)
        stop.abort()
        return reading
      })
      return [
        atMost('longest wait of a reader behind a migration that waits', longest, { limit: 3000, unit: 'ms' }),
        exactly('exit code of that migration once the idle reader is gone', await migrating, 0),
      ]
    } finally {
      await idle.close()
      await busy.close()
    }
  })
}

async function longestRead({ db }: Database, signal: AbortSignal): Promise<number> {
  let longest = 0
  while (!signal.aborted) {
    const begin = performance.now()
    await sql`select * from notes`.execute(db)
    longest = Math.max(longest, performance.now() - begin)
    await pause(10)
  }
  return longest
}
