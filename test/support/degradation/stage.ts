/**
 * One database and one directory in which any call can be made with any set of tables missing, as often as wanted:
 * before each call everything is put back as it was and the tables are taken away. Far cheaper than a new database
 * for every call.
 */
import { createRequire } from 'node:module'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type SqliteModule from 'better-sqlite3'
import { sql } from 'kysely'
import { filePath, openDatabase, type Database } from '../../../src/database/connection.ts'
import type { TableName } from '../../../src/database/tables.ts'
import { withoutTable } from '../../../src/doctor/missing-table.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { makeWorkspace } from '../../torture/scene.ts'
import { fillStage } from './stage-rows.ts'

const SqliteFile = createRequire(import.meta.url)('better-sqlite3') as typeof SqliteModule

export const everyTable = Object.keys(withoutTable) as readonly TableName[]

export interface StagePlace {
  readonly url: string
  /** For `ORCH_DB_SCHEMA`; undefined on SQLite. */
  readonly schema: string | undefined
  /** An empty directory. */
  readonly cwd: string
}

export interface Stage {
  readonly place: StagePlace
  /** Puts every row and every file back, and takes the tables away. */
  set(missing: ReadonlySet<TableName>): Promise<void>
  close(): Promise<void>
}

/** Fills a migrated database with what the calls of the catalogue work on, and remembers it. */
export async function openStage(place: StagePlace): Promise<Stage> {
  await fillStage(place)
  return place.schema === undefined ? fileStage(place) : serverStage(place, place.schema)
}

/** Beside the file that was given, which somebody may have open. */
function fileStage({ url, cwd }: StagePlace): Stage {
  const path = join(cwd, 'stage.db')
  const full = copyOf(filePath(url), path)
  return {
    place: { url: path, schema: undefined, cwd },
    set: async (missing) => {
      resetFiles(cwd)
      // Written in place: a file with another inode would be another database, which nobody trusts.
      writeFileSync(path, full)
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
      if (missing.size === 0) return
      const file = new SqliteFile(path)
      file.pragma('synchronous = off')
      file.exec([...missing].map((table) => `drop table "${table}"`).join(';'))
      file.close()
    },
    close: async () => {},
  }
}

function copyOf(from: string, to: string): Buffer {
  const source = new SqliteFile(from, { readonly: true })
  source.exec(`vacuum into '${to.replaceAll("'", "''")}'`)
  source.close()
  const copy = new SqliteFile(to)
  copy.pragma('journal_mode = wal')
  copy.close()
  return readFileSync(to)
}

/** How many calls leave so many dead rows behind that looking through them takes longer than clearing them away. */
const sweepEvery = 200

async function serverStage(place: StagePlace, schema: string): Promise<Stage> {
  const options = { clock: systemClock, random: systemRandom, schema, connections: 1 }
  const database = await openDatabase(place.url, options)
  const away = `${schema}_away`
  const rows = await readRows(database)
  let gone: readonly TableName[] = []
  let turns = 0
  const run = (statements: readonly string[]) => sql.raw(statements.join(';\n')).execute(database.db)
  await run([`create schema "${away}"`])
  return {
    place,
    set: async (missing) => {
      resetFiles(place.cwd)
      const next = [...missing]
      turns += 1
      await run([
        ...gone.flatMap((table) => [
          `drop table if exists "${schema}"."${table}"`,
          `alter table "${away}"."${table}" set schema "${schema}"`,
        ]),
        ...everyTable.map((table) => emptied(`"${schema}"."${table}"`, turns % sweepEvery === 0)),
        ...everyTable.map((table) => filled(`"${schema}"."${table}"`, rows.get(table) ?? [])),
        ...next.map((table) => `alter table "${schema}"."${table}" set schema "${away}"`),
      ])
      gone = next
    },
    close: async () => {
      await run([`drop schema "${away}" cascade`])
      await database.close()
    },
  }
}

async function readRows({ db }: Database): Promise<ReadonlyMap<TableName, readonly unknown[]>> {
  const rows = new Map<TableName, readonly unknown[]>()
  for (const table of everyTable) rows.set(table, await db.selectFrom(table).selectAll().execute())
  return rows
}

function emptied(table: string, sweep: boolean): string {
  return sweep ? `truncate ${table}` : `delete from ${table}`
}

function filled(table: string, rows: readonly unknown[]): string {
  const json = JSON.stringify(rows).replaceAll("'", "''")
  return `insert into ${table} select * from json_populate_recordset(null::${table}, '${json}')`
}

/** What calls leave in the directory. Trust and credentials stay: they are the user's, not the project's. */
function resetFiles(cwd: string): void {
  for (const name of ['.orch', 'out', '.gitignore', '.home/state'])
    rmSync(join(cwd, name), { recursive: true, force: true })
  makeWorkspace(cwd)
}
