/** One scheduler's view of the shared database, and everything that can go wrong between the two. */
import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../src/database/connection.ts'
import type { DatabaseFailure, Db, Dialect, Trx } from '../../src/database/dialect/dialect.ts'
import type { SimulatedClock } from './simulated-clock.ts'

export const faultKinds = [
  /** The statement never arrives. */
  'lostStatement',
  /** The statement was carried out, its answer is lost. */
  'lostAnswer',
  /** The transaction was committed, the acknowledgement is lost. */
  'lostCommit',
  /** Another writer holds the lock for longer than anybody waits. */
  'busy',
  /** The commit takes `ms`. */
  'slowCommit',
  /** The process stands still before its transaction begins, until `resume`. */
  'stuckBefore',
  /** The process stands still after its transaction was committed, until `resume`. */
  'stuckAfter',
  /** The process dies before, or after, a statement, or after a commit. */
  'deathBefore',
  'deathAfter',
  'deathAfterCommit',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Statements, or transactions, that pass before it strikes. */
  readonly after: number
  /** How many strikes in a row; the other kinds strike once. */
  readonly times: number
  /** For `slowCommit`. */
  readonly ms: number
}

/** What a fault throws. */
export class InjectedFailure extends Error {
  readonly failure: DatabaseFailure

  constructor(failure: DatabaseFailure) {
    super(`injected ${failure}`)
    this.failure = failure
  }
}

type Place = 'statement' | 'answer' | 'begin' | 'commit' | 'committed'

const places: Readonly<Record<FaultKind, Place>> = {
  lostStatement: 'statement',
  lostAnswer: 'answer',
  lostCommit: 'committed',
  busy: 'begin',
  slowCommit: 'commit',
  stuckBefore: 'begin',
  stuckAfter: 'committed',
  deathBefore: 'statement',
  deathAfter: 'answer',
  deathAfterCommit: 'committed',
}

export class FaultyDatabase {
  readonly database: Database
  readonly #clock: SimulatedClock
  #fault: { kind: FaultKind; after: number; times: number; readonly ms: number } | null = null
  #resume: (() => void) | null = null
  #onStuck: () => void = () => {}
  /** The process behind this view died: nothing it still does reaches the database. */
  dead = false
  /** How often something was thrown; tells an expected failure of a pass from a bug. */
  strikes = 0

  constructor(base: Database, clock: SimulatedClock) {
    this.#clock = clock
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => {
        this.#strike('statement')
        return node
      },
      transformResult: async ({ result }) => {
        this.#strike('answer')
        return result
      },
    }
    const db = base.db.withPlugin(plugin)
    const write = <T>(work: (trx: Trx) => Promise<T>) => this.#write(base, (trx) => work(trx.withPlugin(plugin)))
    const dialect: Dialect = {
      ...base.dialect,
      // Every engine judges by the simulated time.
      now: async () => clock.now(),
      write: <T>(_db: Db, work: (trx: Trx) => Promise<T>) => write(work),
      classify: (error) => (error instanceof InjectedFailure ? error.failure : base.dialect.classify(error)),
    }
    this.database = { ...base, db, dialect, now: async () => clock.now(), write, announce: write }
  }

  /** For what stands for a statement. Throws what a statement would. */
  passStatement(): void {
    this.#strike('statement')
  }

  /** Replaces whatever was armed. */
  arm(fault: Fault): void {
    this.#fault = { ...fault }
  }

  disarm(): void {
    this.#fault = null
  }

  /** Resolves the next time the process gets stuck. */
  untilStuck(): Promise<'stuck'> {
    return new Promise((resolve) => {
      this.#onStuck = () => resolve('stuck')
    })
  }

  get stuck(): boolean {
    return this.#resume !== null
  }

  resume(): void {
    const resume = this.#resume
    this.#resume = null
    resume?.()
  }

  async #write<T>(base: Database, work: (trx: Trx) => Promise<T>): Promise<T> {
    await this.#waitIfStuck('begin')
    this.#strike('begin')
    const value = await base.dialect.write(base.db, async (trx) => {
      const result = await work(trx)
      if (this.#due('commit')) this.#clock.pass(this.#take()?.ms ?? 0)
      return result
    })
    await this.#waitIfStuck('committed')
    this.#strike('committed')
    return value
  }

  async #waitIfStuck(place: Place): Promise<void> {
    const kind = this.#fault?.kind
    if ((kind !== 'stuckBefore' && kind !== 'stuckAfter') || !this.#due(place)) return
    this.#take()
    await new Promise<void>((resolve) => {
      this.#resume = resolve
      this.#onStuck()
    })
  }

  #strike(place: Place): void {
    if (this.dead) throw new InjectedFailure('outage')
    if (!this.#due(place)) return
    const kind = this.#take()?.kind
    this.strikes += 1
    this.dead = kind === 'deathBefore' || kind === 'deathAfter' || kind === 'deathAfterCommit'
    throw new InjectedFailure(kind === 'busy' ? 'contention' : 'outage')
  }

  /** Counts one passage of the place that the armed fault lies in wait at. */
  #due(place: Place): boolean {
    const fault = this.#fault
    if (fault === null || places[fault.kind] !== place) return false
    fault.after -= 1
    return fault.after < 0
  }

  #take() {
    const fault = this.#fault
    if (fault === null) return null
    fault.after = 0
    fault.times -= 1
    if (fault.times <= 0) this.#fault = null
    return fault
  }
}
