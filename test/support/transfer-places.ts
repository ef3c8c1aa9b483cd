/** A file and a schema on the server, for what moves from one to the other. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { inject, onTestFinished } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import type { TransferOptions } from '../../src/database/migration/transfer/transfer-options.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { temporaryDirectory, type TestDatabase } from './databases.ts'

export interface TransferFile {
  readonly path: string
  /** The file in the hands of somebody who is not orch: 64-bit integers, no codec. */
  readonly raw: SqliteFile.Database
}

/** A migrated, empty file in a directory of its own; closed with the test. */
export function transferFile(name = 'source.db'): TransferFile {
  const path = join(temporaryDirectory(), name)
  copyFileSync(inject('migratedTemplate').file, path)
  return openRaw(path)
}

/** Opens a file that is there. */
export function openRaw(path: string): TransferFile {
  const raw = new SqliteFile(path)
  raw.defaultSafeIntegers(true)
  onTestFinished(() => void raw.close())
  return { path, raw }
}

/** Everything a transfer needs to be told besides its two places. */
export function transferParts(server: Pick<TestDatabase, 'schema'>): Omit<TransferOptions, 'from' | 'to'> {
  const parts = { migrations, toolVersion: 'test', clock: systemClock, random: seededRandom(1) }
  return server.schema === undefined ? parts : { ...parts, schema: server.schema }
}

/** Every row of every table but the ledger, sorted, with the type that each value is stored with. */
export function contentOf(raw: SqliteFile.Database): Readonly<Record<string, readonly string[]>> {
  const tables = raw
    .prepare("select name from sqlite_master where type = 'table' and name <> 'orch_migrations' order by name")
    .pluck()
    .all() as string[]
  return Object.fromEntries(tables.map((table) => [table, rowsOf(raw, table)]))
}

function rowsOf(raw: SqliteFile.Database, table: string): readonly string[] {
  const columns = raw.prepare(`select name from pragma_table_info(?) order by name`).pluck().all(table) as string[]
  const typed = columns.map((column) => `quote("${column}")`).join(` || '|' || `)
  return (raw.prepare(`select ${typed} from "${table}"`).pluck().all() as string[]).toSorted()
}
