import { statSync } from 'node:fs'
import type SqliteModule from 'better-sqlite3'

/** SQLite's own checkpoints keep the log of a file with one writer at some 4 MiB. */
const mostBytes = 16 * 2 ** 20
/** Commits between two looks at its size, and between two tries to shorten it. */
const lookEvery = { short: 200, long: 8 } as const

/**
 * Keeps the write-ahead log from growing without end. SQLite starts the log anew only when a writer finds all of it
 * copied and nobody reading it; where several processes write all the time that moment never comes, reads get slower
 * and one commit at last pays for all. So past a size the log is copied and cut while the lock is held.
 */
export class LogLimit {
  readonly #path: string
  #untilLook: number = lookEvery.short

  /** @param path of the database file. */
  constructor(path: string) {
    this.#path = `${path}-wal`
  }

  /** Call after each commit, outside of a transaction. Never throws: whoever is in the way now is not so for ever. */
  afterCommit(connection: SqliteModule.Database): void {
    this.#untilLook -= 1
    if (this.#untilLook > 0) return
    const isLong = this.#isLong() && !this.#cut(connection)
    this.#untilLook = isLong ? lookEvery.long : lookEvery.short
  }

  #isLong(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > mostBytes
  }

  /** False where another writer or reader was in the way. */
  #cut(connection: SqliteModule.Database): boolean {
    try {
      return connection.pragma('wal_checkpoint(truncate)', { simple: true }) === 0
    } catch {
      return false
    }
  }
}
