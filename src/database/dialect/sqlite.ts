/**
 * SQLite: the override. One connection, one writer; every write transaction begins immediate, waits
 * briefly in the driver and then asynchronously, because the driver blocks the event loop while it waits.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type SqliteModule from 'better-sqlite3'
import { Kysely, sql } from 'kysely'
import { OrchError, errorMessage, systemErrorCode } from '../../errors/orch-error.ts'
import type { OpenOptions } from '../connection.ts'
import type { Tables } from '../tables.ts'
import { soleWriterWatch } from './change-watch.ts'
import type { DatabaseFailure, Db, Dialect, Shape } from './dialect.ts'
import { groupColumns } from './group-columns.ts'
import { GroupCommit } from './group-commit.ts'
import { fileOutage, type OutageCause } from './outage-cause.ts'
import { Patience } from './patience.ts'
import { SharedFile } from './shared-file.ts'
import { SqliteFile } from './sqlite-file.ts'
import { ImmediateSqliteDialect, patiently } from './sqlite-driver.ts'
import { SqliteWatch } from './sqlite-watch.ts'
import { retryContention } from './transaction-retry.ts'

/** Below this a WAL file with two connections can be corrupted (sqlite.org/wal.html, "WAL-reset bug"). */
const oldestSafeVersion = [3, 51, 3] as const
/** Longer waits belong to the asynchronous retry: the driver freezes the event loop while it waits. */
const busyTimeoutMs = 5

/** Opens a file. WAL and synchronous FULL on every open: a committed result must survive power loss. */
export async function openSqlite(path: string, options: OpenOptions) {
  const patience = new Patience(options.clock)
  const inMemory = path === ':memory:'
  const parts = {
    path: inMemory ? null : resolve(path),
    opened: await openFile(path, options, patience),
    reopen: () => reopenFile(path, options),
    clock: options.clock,
    pinned: options.pinned === true,
  }
  const file = new SharedFile(parts)
  const db = new Kysely<Tables>({ dialect: new ImmediateSqliteDialect({ file, patience }) })
  const watchChanges = () => (inMemory ? soleWriterWatch() : new SqliteWatch(db, resolve(path), options))
  const address = parts.path ?? path
  const close = async () => {
    await db.destroy()
    // Kysely closes nothing that was never asked anything.
    file.close()
  }
  return { db, dialect: sqliteDialect(options, patience), address, watchChanges, hurry: () => patience.hurry(), close }
}

/** For a file that was open before. Fails at once: whoever asked tries again. */
function reopenFile(path: string, options: OpenOptions): SqliteModule.Database {
  const file = new SqliteFile(path, {
    readonly: options.readOnly === true,
    fileMustExist: true,
    timeout: busyTimeoutMs,
  })
  try {
    prepareFile(file, options)
    return file
  } catch (error) {
    file.close()
    throw error
  }
}

async function openFile(path: string, options: OpenOptions, patience: Patience): Promise<SqliteModule.Database> {
  const inMemory = path === ':memory:'
  if (!inMemory && !existsSync(path)) {
    if (options.create !== true) {
      throw new OrchError('ORCH_DATABASE_UNREACHABLE', `There is no database at ${path}`, {
        hint: 'Run `orch init` here, or name a database with --db',
      })
    }
    mkdirSync(dirname(resolve(path)), { recursive: true })
  }
  try {
    const file = new SqliteFile(path, { readonly: options.readOnly === true, timeout: busyTimeoutMs })
    try {
      // Another process may be creating, converting or recovering the same file at this moment.
      await patiently(patience, () => prepareFile(file, options))
    } catch (error) {
      file.close()
      throw error
    }
    return file
  } catch (error) {
    if (error instanceof OrchError) throw error
    throw new OrchError('ORCH_DATABASE_UNREACHABLE', `Cannot open the SQLite file ${path}: ${errorMessage(error)}`, {
      hint: 'Check that the path is a SQLite database that you may read and write',
      cause: error,
    })
  }
}

function prepareFile(file: SqliteModule.Database, options: OpenOptions): void {
  const version = String(file.prepare('select sqlite_version()').pluck().get())
  if (isOlder(version)) {
    throw new OrchError('ORCH_DATABASE_UNREACHABLE', `SQLite ${version} can corrupt a shared WAL file`, {
      hint: `Reinstall better-sqlite3 so that it brings SQLite ${oldestSafeVersion.join('.')} or newer`,
    })
  }
  // Reading the catalog makes a file that is no database fail here, with its path, rather than later.
  file.prepare('select count(*) from sqlite_master').get()
  if (options.readOnly !== true) file.pragma('journal_mode = wal')
  file.pragma('synchronous = full')
  file.pragma('foreign_keys = on')
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number)
  const at = oldestSafeVersion.findIndex((wanted, index) => parts[index] !== wanted)
  return at !== -1 && (parts[at] ?? 0) < (oldestSafeVersion[at] ?? 0)
}

function sqliteDialect({ clock, random }: OpenOptions, patience: Patience): Dialect {
  const policy = { clock, random, patience, classify: classifySqlite }
  const commits = new GroupCommit((work) => retryContention(policy, work))
  return {
    label: 'SQLite',
    skipsLocked: false,
    notifies: false,
    schema: null,
    now: async () => clock.now(),
    write: (db, work) => commits.write(db, work),
    shape: readShape,
    indexNames: readIndexNames,
    shapeVersion: async (db) => {
      const { rows } = await sql<{ schema_version: number }>`pragma schema_version`.execute(db)
      return rows[0]?.schema_version ?? 0
    },
    changeVersion: async (db) => {
      const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(db)
      return rows[0]?.data_version ?? 0
    },
    // The transaction already excludes every other writer.
    lockLimits: async () => {},
    // A commit changes the file, and that is watched.
    notify: async () => {},
    jsonText: (column, member) => sql<string | null>`json_extract(${sql.ref(column)}, ${sql.lit(`$.${member}`)})`,
    classify: classifySqlite,
    causeOf: causeOfSqlite,
  }
}

async function readShape(db: Db): Promise<Shape> {
  const { rows } = await sql<{ name: string; column_name: string }>`
    select m.name as name, c.name as column_name
    from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\'`.execute(db)
  return groupColumns(rows)
}

async function readIndexNames(db: Db): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'index' and sql is not null`.execute(db)
  return new Set(rows.map(({ name }) => name))
}

function classifySqlite(error: unknown): DatabaseFailure {
  const code = systemErrorCode(error) ?? ''
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'contention'
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') return 'duplicate'
  if (fileOutage(code) !== null) return 'outage'
  // SQLite has no code for a missing table or column: SQLITE_ERROR is what both give.
  if (code === 'SQLITE_ERROR') return 'missing_object'
  return 'other'
}

function causeOfSqlite(error: unknown): OutageCause {
  return fileOutage(systemErrorCode(error) ?? '') ?? 'locked'
}
