/**
 * SQLite: the override. One connection, one writer; every write transaction begins immediate, waits
 * briefly in the driver and then asynchronously, because the driver blocks the event loop while it waits.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type SqliteModule from 'better-sqlite3'
import {
  CompiledQuery,
  Kysely,
  SqliteDialect,
  SqliteDriver,
  sql,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type SqliteAdapter,
  type SqliteDialectConfig,
} from 'kysely'
import { OrchError, errorMessage, systemErrorCode } from '../../errors/orch-error.ts'
import type { OpenOptions } from '../connection.ts'
import type { Tables } from '../tables.ts'
import { BulkSqliteAdapter } from './bulk-adapter.ts'
import { soleWriterWatch } from './change-watch.ts'
import type { DatabaseFailure, Db, Dialect, Shape } from './dialect.ts'
import { groupColumns } from './group-columns.ts'
import { GroupCommit } from './group-commit.ts'
import { SqliteWatch } from './sqlite-watch.ts'
import { withStatementCache } from './statement-cache.ts'
import { retryContention } from './transaction-retry.ts'

/** Required, not imported: an import first searches its source for names, a tenth of a short command's time. */
const SqliteFile = createRequire(import.meta.url)('better-sqlite3') as typeof SqliteModule

/** Below this a WAL file with two connections can be corrupted (sqlite.org/wal.html, "WAL-reset bug"). */
const oldestSafeVersion = [3, 51, 3] as const
/** Longer waits belong to the asynchronous retry: the driver freezes the event loop while it waits. */
const busyTimeoutMs = 5

/** Opens a file. WAL and synchronous FULL on every open: a committed result must survive power loss. */
export async function openSqlite(path: string, options: OpenOptions) {
  const file = await openFile(path, options)
  const db = new Kysely<Tables>({ dialect: new ImmediateSqliteDialect({ database: withStatementCache(file) }) })
  const inMemory = path === ':memory:'
  const watchChanges = () => (inMemory ? soleWriterWatch() : new SqliteWatch(db, resolve(path), options))
  return { db, dialect: sqliteDialect(options), address: inMemory ? path : resolve(path), watchChanges }
}

async function openFile(path: string, options: OpenOptions): Promise<SqliteModule.Database> {
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
      await patiently(() => prepareFile(file, options))
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

function sqliteDialect(options: OpenOptions): Dialect {
  const policy = { clock: options.clock, random: options.random, classify: classifySqlite }
  const commits = new GroupCommit((work) => retryContention(policy, work))
  return {
    label: 'SQLite',
    skipsLocked: false,
    notifies: false,
    schema: null,
    now: async () => options.clock.now(),
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

const outageCodes = new Set(['SQLITE_CANTOPEN', 'SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_IOERR', 'SQLITE_PERM'])

function classifySqlite(error: unknown): DatabaseFailure {
  const code = systemErrorCode(error) ?? ''
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'contention'
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') return 'duplicate'
  if (outageCodes.has(code) || [...outageCodes].some((prefix) => code.startsWith(`${prefix}_`))) return 'outage'
  // SQLite has no code for a missing table or column: SQLITE_ERROR is what both give.
  if (code === 'SQLITE_ERROR') return 'missing_object'
  return 'other'
}

class ImmediateSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver(this.#config)
  }

  override createAdapter(): SqliteAdapter {
    return new BulkSqliteAdapter()
  }
}

/** `begin immediate`, because a deferred read-then-write fails at once with SQLITE_BUSY_SNAPSHOT. */
class ImmediateSqliteDriver extends SqliteDriver {
  /** Fails at once while another writer is at work: whoever opens a transaction decides how long to try. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const direct = connection instanceof PatientConnection ? connection.direct : connection
    await direct.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** A single write outside a transaction waits for the lock too, without blocking the event loop. */
  override async acquireConnection(): Promise<DatabaseConnection> {
    return patient(await super.acquireConnection())
  }
}

const patientConnections = new WeakMap<DatabaseConnection, DatabaseConnection>()

function patient(connection: DatabaseConnection): DatabaseConnection {
  const known = patientConnections.get(connection)
  if (known !== undefined) return known
  const wrapped = new PatientConnection(connection)
  patientConnections.set(connection, wrapped)
  return wrapped
}

class PatientConnection implements DatabaseConnection {
  /** The connection without the waiting. */
  readonly direct: DatabaseConnection

  constructor(direct: DatabaseConnection) {
    this.direct = direct
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return patiently(() => this.direct.executeQuery<R>(query))
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.direct.streamQuery<R>(query, chunkSize)
  }
}

/** What ends by waiting. A stale snapshot (SQLITE_BUSY_SNAPSHOT) does not: its transaction must begin again. */
const busyCodes = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY_TIMEOUT'])
/** About 30 s of waiting: 600 rounds of 5 ms in the driver and up to 45 ms outside it. */
const patientRounds = 600

/** Repeats one step while another process holds the file. Real time: the lock belongs to the real world. */
async function patiently<T>(step: () => T | Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await step()
    } catch (error) {
      if (!busyCodes.has(systemErrorCode(error) ?? '') || round === patientRounds) throw error
    }
    await pause(1 + Math.min(round, 44))
  }
}
