/** Kysely's driver of SQLite, with the patience and the care that a shared file needs. */
import { setTimeout as pause } from 'node:timers/promises'
import {
  CompiledQuery,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type SqliteAdapter,
} from 'kysely'
import { systemErrorCode } from '../../errors/orch-error.ts'
import { BulkSqliteAdapter } from './bulk-adapter.ts'
import type { Patience } from './patience.ts'
import type { SharedFile } from './shared-file.ts'

export interface SqliteParts {
  readonly file: SharedFile
  readonly patience: Patience
}

export class ImmediateSqliteDialect extends SqliteDialect {
  readonly #parts: SqliteParts

  constructor(parts: SqliteParts) {
    super({ database: parts.file })
    this.#parts = parts
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver(this.#parts)
  }

  override createAdapter(): SqliteAdapter {
    return new BulkSqliteAdapter()
  }
}

/** `begin immediate`, because a deferred read-then-write fails at once with SQLITE_BUSY_SNAPSHOT. */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #parts: SqliteParts
  readonly #patient = new WeakMap<DatabaseConnection, PatientConnection>()

  constructor(parts: SqliteParts) {
    super({ database: parts.file })
    this.#parts = parts
  }

  /** Fails at once while another writer is at work: whoever opens a transaction decides how long to try. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const { file } = this.#parts
    const direct = connection instanceof PatientConnection ? connection.direct : connection
    await file.noticing(() => direct.executeQuery(CompiledQuery.raw('begin immediate')))
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection)
    this.#parts.file.afterCommit()
  }

  /** A single write outside a transaction waits for the lock too, without blocking the event loop. */
  override async acquireConnection(): Promise<DatabaseConnection> {
    const direct = await super.acquireConnection()
    try {
      // Between transactions only, and nobody else has the connection now.
      this.#parts.file.ensureInPlace()
    } catch (error) {
      await super.releaseConnection()
      throw error
    }
    const known = this.#patient.get(direct) ?? new PatientConnection(direct, this.#parts)
    this.#patient.set(direct, known)
    return known
  }
}

class PatientConnection implements DatabaseConnection {
  /** The connection without the waiting. */
  readonly direct: DatabaseConnection
  readonly #parts: SqliteParts

  constructor(direct: DatabaseConnection, parts: SqliteParts) {
    this.direct = direct
    this.#parts = parts
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { file, patience } = this.#parts
    return file.noticing(() => patiently(patience, () => this.direct.executeQuery<R>(query)))
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.direct.streamQuery<R>(query, chunkSize)
  }
}

/** What ends by waiting. A stale snapshot (SQLITE_BUSY_SNAPSHOT) does not: its transaction must begin again. */
const busyCodes = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY_TIMEOUT'])

/** Repeats one step while another process holds the file. Real time: the lock belongs to the real world. */
export async function patiently<T>(patience: Patience, step: () => T | Promise<T>): Promise<T> {
  const sinceMs = patience.startMs()
  for (let round = 1; ; round++) {
    try {
      return await step()
    } catch (error) {
      if (!busyCodes.has(systemErrorCode(error) ?? '') || patience.isOver(sinceMs)) throw error
    }
    await pause(1 + Math.min(round, 44))
  }
}
