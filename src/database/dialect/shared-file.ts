import { statSync } from 'node:fs'
import type SqliteModule from 'better-sqlite3'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { systemErrorCode } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { LogLimit } from './log-limit.ts'
import { withStatementCache } from './statement-cache.ts'

/** How often the file is looked for under its name. */
const placeEveryMs = 100
/** After these a new connection may work where the old one never will again. */
const suspectCodes = ['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_IOERR', 'SQLITE_NOTADB', 'SQLITE_PERM']

export interface SharedFileParts {
  /** Absolute; null for a database in memory. */
  readonly path: string | null
  readonly opened: SqliteModule.Database
  /** Opens the file anew, ready for use. Throws where that is not possible now. */
  readonly reopen: () => SqliteModule.Database
  readonly clock: Pick<Clock, 'monotonic'>
  /** Another file in its place is never gone on with. */
  readonly pinned: boolean
}

/**
 * One file behind changing connections. SQLite keeps writing into a file that was moved, deleted or replaced, where
 * nobody will ever find it: so the place is looked at, and what is not there any more is not written to. And a
 * connection that was opened while the file was read-only, or whose disk went away, stays useless when both are
 * back: so after such failures it is replaced.
 */
export class SharedFile implements SqliteDatabase {
  readonly #parts: SharedFileParts
  #connection: SqliteModule.Database
  #statements: SqliteDatabase
  readonly #log: LogLimit | null
  #identity: string | null
  #suspect = false
  #lookAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: SharedFileParts) {
    this.#parts = parts
    this.#connection = parts.opened
    this.#statements = withStatementCache(parts.opened)
    this.#identity = identityOf(parts.path)
    this.#log = parts.path === null ? null : new LogLimit(parts.path)
  }

  prepare(text: string): SqliteStatement {
    return this.#statements.prepare(text)
  }

  close(): void {
    this.#connection.close()
  }

  /** Call between transactions. Throws SQLITE_READONLY_DBMOVED while the file, or where it is pinned that very file, is not there. */
  ensureInPlace(): void {
    const { path, clock, pinned } = this.#parts
    if (path === null || (!this.#suspect && clock.monotonic() < this.#lookAtMs)) return
    const identity = identityOf(path)
    if (identity === null || (pinned && identity !== this.#identity)) throw moved(path)
    if (this.#suspect || identity !== this.#identity) this.#replace(identity)
    this.#lookAtMs = clock.monotonic() + placeEveryMs
  }

  /** Call after each commit of a transaction. */
  afterCommit(): void {
    this.#log?.afterCommit(this.#connection)
  }

  /** Does one step and takes note of failures that another connection might not meet. */
  async noticing<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      const code = systemErrorCode(error) ?? ''
      this.#suspect ||= suspectCodes.some((suspect) => code.startsWith(suspect))
      throw error
    }
  }

  #replace(identity: string): void {
    if (this.#connection.inTransaction) return
    let fresh: SqliteModule.Database
    try {
      fresh = this.#parts.reopen()
    } catch (error) {
      // The same file may still serve readers; another one in its place is nobody's business yet.
      if (identity === this.#identity) return
      throw error
    }
    this.#connection.close()
    this.#connection = fresh
    this.#statements = withStatementCache(fresh)
    this.#identity = identity
    this.#suspect = false
  }
}

/** Which file the path names now; null where there is none. */
function identityOf(path: string | null): string | null {
  const found = path === null ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

function moved(path: string): Error {
  return Object.assign(new Error(`${path} was moved or replaced`), { code: 'SQLITE_READONLY_DBMOVED' })
}
