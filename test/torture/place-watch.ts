import { sql } from 'kysely'
import type { Database } from '../../src/database/connection.ts'
import { pause } from './kill-turns.ts'
import type { Runner } from './runner.ts'

const lookEveryMs = 25

/** Looks again and again at who has jobs running: how many at once, and how long after its owner was killed. */
export class PlaceWatch {
  mostRunning = 0
  mostWriters = 0
  longestKeptMs = 0
  readonly #database: Database
  readonly #runners: () => readonly Runner[]
  #stopped = false
  #looking: Promise<void> = Promise.resolve()

  constructor(database: Database, runners: () => readonly Runner[]) {
    this.#database = database
    this.#runners = runners
  }

  start(): void {
    this.#looking = this.#lookOnAndOn()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looking
  }

  /** Jobs that are not over. */
  async open(): Promise<number> {
    const row = await this.#database.db
      .selectFrom('jobs')
      .select((eb) => eb.fn.countAll<number>().as('jobs'))
      .where('state', 'in', ['ready', 'running', 'blocked'])
      .executeTakeFirstOrThrow()
    return Number(row.jobs)
  }

  async #lookOnAndOn(): Promise<void> {
    while (!this.#stopped) {
      await this.#look()
      await pause(lookEveryMs)
    }
  }

  /** One statement, so that all it sees is of one moment. */
  async #look(): Promise<void> {
    const rows = await this.#database.db
      .selectFrom('jobs')
      .leftJoin('scheduler_instances', 'scheduler_instances.id', 'jobs.lease_owner')
      .select(['jobs.role', 'scheduler_instances.pid'])
      .where('jobs.state', '=', sql.lit('running'))
      .execute()
    this.mostRunning = Math.max(this.mostRunning, rows.length)
    this.mostWriters = Math.max(this.mostWriters, rows.filter(({ role }) => role === 'writer').length)
    const kept = this.#runners().filter(
      ({ wasKilled, child }) => wasKilled && rows.some(({ pid }) => pid === child.pid),
    )
    if (kept.length === 0) return
    const rescuersSinceMs = await this.#rescuersSince()
    for (const { endedAtMs } of kept) {
      const sinceMs = Math.max(endedAtMs ?? Number.POSITIVE_INFINITY, rescuersSinceMs)
      this.longestKeptMs = Math.max(this.longestKeptMs, Date.now() - sinceMs)
    }
  }

  /** Since when somebody has been there who could give the place to another. */
  async #rescuersSince(): Promise<number> {
    const living = new Set(this.#runners().flatMap(({ lives, child }) => (lives ? [child.pid] : [])))
    const instances = await this.#database.db.selectFrom('scheduler_instances').select(['pid', 'started_at']).execute()
    return Math.min(...instances.filter(({ pid }) => living.has(pid)).map((one) => one.started_at))
  }
}
