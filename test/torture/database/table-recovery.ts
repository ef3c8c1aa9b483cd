/**
 * Tables that vanish under a running scheduler and come back, also while one of its transactions is open and waits for
 * the very table: on Postgres the failed statement has then poisoned the transaction (25P02).
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrations } from '../../../migrations/index.ts'
import { openTrustStore } from '../../../src/config/trust.ts'
import { openDatabase, type Database } from '../../../src/database/connection.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import { rehearsalAddress, rehearsalModelId } from '../../../src/providers/rehearsal-settings.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { storeRows } from '../../support/job-rows.ts'
import { OrchRunner } from '../../support/orch-runner.ts'
import { pause } from '../kill-turns.ts'
import { atLeast, atMost, exactly, noted, type Figure, type OpenedDatabase, type Scene, type Size } from '../line.ts'
import type { DatabaseItem } from './item.ts'

/** Tables that a run of a job writes to, each of which it can be without in its own way. */
type LostTable = 'projects' | 'jobs' | 'job_dependencies' | 'attempts' | 'job_events' | 'errands' | 'model_usage'

/** Without these nothing is claimed. */
const required: readonly LostTable[] = ['projects', 'jobs', 'job_dependencies', 'attempts']
/** A row about the job shows that the table is used again. */
const witnesses: readonly LostTable[] = ['attempts', 'job_events', 'errands', 'model_usage']

const everyLost: readonly LostTable[] = [...required, 'job_events', 'errands', 'model_usage']
const extents: Readonly<
  Record<Size, { readonly plain: readonly LostTable[]; readonly poisoned: readonly LostTable[] }>
> = {
  short: { plain: ['attempts'], poisoned: ['attempts'] },
  normal: { plain: ['jobs', 'attempts', 'job_events'], poisoned: ['attempts', 'job_events', 'errands'] },
  full: { plain: everyLost, poisoned: ['attempts', 'job_events', 'errands', 'model_usage'] },
}

const recoverWithinMs = 5000
/** For whatever is awaited; far above what is promised, so that a breach shows as its figure. */
const patienceMs = 20_000

export const tableRecovery: DatabaseItem = {
  numbers: [20],
  name: 'table recovery',
  promise: 'a running scheduler works again within 5 s of the creation of a table, whatever transaction its loss broke',
  run: async (scene, size) => {
    const { plain, poisoned } = extents[size]
    const opened = await scene.open()
    const recovery = await Recovery.start(scene, opened)
    try {
      if (scene.engine === 'SQLite' || size !== 'short') for (const table of plain) await recovery.lose(table)
      if (scene.engine === 'Postgres') for (const table of poisoned) await recovery.loseInTransaction(table)
      return await recovery.figures(size)
    } finally {
      await recovery.close()
    }
  },
}

class Recovery {
  readonly #opened: OpenedDatabase
  readonly #cwd: string
  readonly #runner: OrchRunner
  /** A second connection, which can hold a lock. */
  readonly #other: Database
  #jobs = 0
  #slowestMs = 0
  #rounds = 0
  #poisoned = 0
  #wanted = 0

  private constructor(opened: OpenedDatabase, parts: { cwd: string; runner: OrchRunner; other: Database }) {
    this.#opened = opened
    this.#cwd = parts.cwd
    this.#runner = parts.runner
    this.#other = parts.other
  }

  static async start({ cwd }: Scene, opened: OpenedDatabase): Promise<Recovery> {
    const { database, url, schema } = opened
    openTrustStore(join(cwd, '.home', 'config')).trust(database.address)
    await database.db
      .insertInto('provider_config')
      .values({
        id: 'lab',
        label: 'Lab',
        kind: 'rehearsal',
        base_url: rehearsalAddress(),
        enabled: 1,
        created_at: 1,
        updated_at: 1,
      })
      .execute()
    const other = await openDatabase(url, { clock: systemClock, random: systemRandom, schema, connections: 1 })
    const env: Record<string, string> = {
      ORCH_DATABASE_URL: url,
      ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }),
    }
    return new Recovery(opened, { cwd, other, runner: new OrchRunner({ cwd, env }) })
  }

  /** Takes the table away between two transactions, and brings it back. */
  async lose(table: LostTable): Promise<void> {
    await this.#complete(await this.#store())
    const since = this.#runner.events.length
    await this.#opened.database.db.schema.dropTable(table).execute()
    // A scheduler with nothing to do looks seldom: the job is what makes it meet the loss.
    if (table !== 'jobs' && table !== 'projects') await this.#store()
    await this.#comeBack(table, since)
  }

  /** Takes the table away under a transaction that has begun and waits for it. */
  async loseInTransaction(table: LostTable): Promise<void> {
    await this.#complete(await this.#store())
    const since = this.#runner.events.length
    this.#wanted += 1
    await this.#other.db.transaction().execute(async (trx) => {
      await trx.schema.dropTable(table).execute()
      await this.#store()
      this.#poisoned += (await this.#untilBlocked(table)) ? 1 : 0
    })
    await this.#comeBack(table, since)
  }

  async figures(size: Size): Promise<readonly Figure[]> {
    const bug = this.#runner.events.filter(({ message }) => message?.includes('aborted') === true).length
    return [
      noted('tables lost and created again', this.#rounds),
      // A statement may also meet the loss outside of a transaction, where nothing is poisoned.
      atLeast('transactions broken while open', this.#poisoned, { limit: Math.min(this.#wanted, 2) }),
      exactly('statements sent into a broken transaction', bug, 0),
      exactly('runners that ended', this.#runner.isRunning ? 0 : 1, 0),
      // Beside a whole test suite a time proves nothing: there it is that it recovers at all.
      atMost('slowest recovery after the creation', this.#slowestMs, {
        limit: size === 'short' ? patienceMs : recoverWithinMs,
        unit: 'ms',
      }),
    ]
  }

  async close(): Promise<void> {
    await this.#runner.kill()
    await this.#other.close()
  }

  async #comeBack(table: LostTable, since: number): Promise<void> {
    const { database } = this.#opened
    if (required.includes(table)) await this.#event(since, ({ event }) => event === 'tables_missing', `no ${table}`)
    else await this.#complete(await this.#store())
    await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
    const createdAtMs = performance.now()
    const usedAtMs = await this.#untilUsed(table, createdAtMs)
    this.#slowestMs = Math.max(this.#slowestMs, usedAtMs - createdAtMs)
    this.#rounds += 1
  }

  /** When the first job that was stored afterwards is done, and the table has a row of it where jobs leave rows. */
  async #untilUsed(table: LostTable, sinceMs: number): Promise<number> {
    for (;;) {
      const slug = await this.#store()
      const doneAtMs = await this.#complete(slug)
      if (!witnesses.includes(table) || (await this.#hasRow(table, slug)) || doneAtMs - sinceMs > patienceMs)
        return doneAtMs
    }
  }

  async #hasRow(table: LostTable, slug: string): Promise<boolean> {
    const { rows } = await sql`select 1 from ${sql.table(table)} where job_id = ${`${slug}-a`}`.execute(
      this.#opened.database.db,
    )
    return rows.length > 0
  }

  /** A project of one job that is ready to start. Returns its slug. */
  async #store(): Promise<string> {
    this.#jobs += 1
    const slug = `work${this.#jobs}`
    const jobs = [{ key: 'a', model: `lab/${rehearsalModelId}` }]
    await storeRows(this.#opened.database, { slug, jobs, project: { workspace: this.#cwd }, createdAt: Date.now() })
    return slug
  }

  async #complete(slug: string): Promise<number> {
    return this.#event(0, ({ state, job }) => state === 'completed' && job === `${slug}/a`, `${slug}/a is not done`)
  }

  async #event(since: number, fits: Parameters<OrchRunner['next']>[1], complaint: string): Promise<number> {
    const found = await this.#runner.next(since, fits, patienceMs)
    if (found !== null) return found.readAtMs
    const last = this.#runner.events.slice(-5).map((event) => JSON.stringify(event))
    throw new Error(`${complaint}: ${last.join(' ')} ${this.#runner.stderr}`)
  }

  /** Whether a statement of the scheduler, not the first of its transaction, waits for the table. */
  async #untilBlocked(table: LostTable): Promise<boolean> {
    const giveUpAtMs = performance.now() + patienceMs
    while (performance.now() < giveUpAtMs) {
      const { rows } = await sql<{ inside: boolean }>`
        select a.xact_start < a.query_start as inside
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and l.relation = ${`${this.#opened.schema}.${table}`}::regclass`.execute(
        this.#opened.database.db,
      )
      if (rows.length > 0) return rows.every(({ inside }) => inside)
      await pause(10)
    }
    return false
  }
}
