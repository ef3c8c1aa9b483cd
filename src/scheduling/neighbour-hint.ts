import type { Database } from '../database/connection.ts'
import type { Clock } from '../runtime/clock.ts'

/** Between two hints: a busy scheduler ends work many times a second, and its neighbours need to hear it once. */
const betweenHintsMs = 50

/**
 * Tells other schedulers that something may have become startable which this one does not take: dependants, limits
 * and locks that its finished work set free. After the commit rather than inside it, because Postgres commits
 * notifying transactions one after the other; a hint that gets lost costs its neighbours one slow look.
 */
export class NeighbourHint {
  readonly #database: Database
  readonly #clock: Clock
  #owed = false
  #nextAtMs = Number.NEGATIVE_INFINITY

  constructor({ database, clock }: { readonly database: Database; readonly clock: Clock }) {
    this.#database = database
    this.#clock = clock
  }

  /** Call after every pass: `leftWork` where the pass set something free and took all it could. */
  afterPass(leftWork: boolean): void {
    this.#owed ||= leftWork
    const nowMs = this.#clock.monotonic()
    if (!this.#owed || !this.#database.dialect.notifies || nowMs < this.#nextAtMs) return
    this.#owed = false
    this.#nextAtMs = nowMs + betweenHintsMs
    void this.#database.dialect.notify(this.#database.db).catch(() => {})
  }

  /** Sends what is owed, for the end of a run that gave jobs back. */
  async last(): Promise<void> {
    if (this.#database.dialect.notifies) await this.#database.dialect.notify(this.#database.db)
  }
}
