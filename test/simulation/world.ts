/**
 * A small world in which schedulers live: one clock, one source of chance, one database that all share, and a
 * view of it per scheduler that can fail. Everything that happens is a step: it is done, the rows are read, and
 * the observer explains what changed.
 */
import type { Database } from '../../src/database/connection.ts'
import type { Attempt, Outcome } from '../../src/execution/attempt.ts'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import type { JobsDeps } from '../../src/scheduling/jobs-deps.ts'
import type { SchedulerEvent, TickCounts } from '../../src/scheduling/scheduler-types.ts'
import { Scheduler } from '../../src/scheduling/scheduler.ts'
import type { ProcessIdentity } from '../../src/workspace/process-identity.ts'
import { schedulerParts } from '../support/scheduling.ts'
import { FaultyDatabase } from './faulty-database.ts'
import { attemptName, Observer, type Owner, type Step } from './observer.ts'
import { longestBackoffMs, ReferenceModel } from './reference-model.ts'
import type { Script } from './script.ts'
import { countingIds, drain, SimulatedClock } from './simulated-clock.ts'
import { simulatedTables } from './simulated-tables.ts'
import { readSnapshot, type DroppableTable, type Snapshot } from './snapshot.ts'
import { Trace } from './trace.ts'

const leaseMs = 20_000
/** A scheduler looks this often whether what it runs is still its own and still wanted. */
const noticeMs = 1000

/** One attempt's work: it goes on until the script ends it or, if it listens, until it is told to stop. */
export interface Worker {
  readonly attempt: Attempt
  readonly end: (outcome: Outcome) => void
  over: boolean
  /** Since when, monotonic, its attempt is no longer the current one. */
  staleSinceMs: number | null
}

/** A process that runs a scheduler; what dies is replaced in the same place. */
export interface Slot {
  readonly number: number
  readonly host: string
  pid: number
  view: FaultyDatabase
  scheduler: Scheduler
  workers: Worker[]
  frozen: boolean
  /** A pass that got stuck in the middle. */
  pending: Promise<TickCounts | null> | null
}

/** Breaks what a step wrote before anybody looks, as a broken scheduler would. */
export type Sabotage = (database: Database, before: Snapshot, after: Snapshot) => Promise<void>

export interface WorldOptions {
  readonly script: Script
  /** Migrated and empty. */
  readonly database: Database
  readonly sabotage?: Sabotage
}

export class World {
  readonly clock = new SimulatedClock()
  readonly ids = countingIds()
  readonly random: Random
  readonly model = new ReferenceModel()
  readonly trace = new Trace()
  readonly database: Database
  readonly person: JobsDeps
  readonly slots: Slot[]
  readonly faults: string[] = []
  readonly away = new Set<DroppableTable>()
  readonly #base: Database
  readonly #script: Script
  readonly #sabotage: Sabotage | undefined
  readonly #owners = new Map<string, Owner>()
  readonly #fates = new Map<string, Outcome>()
  readonly #observer: Observer
  #pids = 100
  #now: Snapshot = { jobs: [], attempts: [], locks: [] }

  constructor({ script, database, sabotage }: WorldOptions) {
    this.#base = database
    this.#script = script
    this.#sabotage = sabotage
    this.random = seededRandom(script.seed)
    // A person's own connection never fails here: what a person did is then certain.
    const view = new FaultyDatabase(database, this.clock)
    this.database = view.database
    this.#observer = new Observer(this.model, { owners: this.#owners, fates: this.#fates })
    this.person = {
      database: this.database,
      tables: simulatedTables(this.away, view),
      ids: this.ids,
      clock: this.clock,
      databaseTrusted: true,
      canReach: () => true,
    }
    this.slots = Array.from({ length: script.schedulers }, (_none, number) => this.#makeSlot(number))
  }

  get rows(): Snapshot {
    return this.#now
  }

  /** Live work that its process lets go on. */
  get workers(): readonly Worker[] {
    return this.slots.filter(({ frozen }) => !frozen).flatMap(({ workers }) => workers.filter(({ over }) => !over))
  }

  #makeSlot(number: number): Slot {
    // Every third scheduler works on another host: its peers can only go by its lease.
    const slot = { number, host: number % 3 === 2 ? 'far' : 'near', workers: [], frozen: false, pending: null }
    return { ...slot, ...this.#makeProcess(slot) }
  }

  #makeProcess({ number, host }: Pick<Slot, 'number' | 'host'>) {
    const view = new FaultyDatabase(this.#base, this.clock)
    const pid = (this.#pids += 1)
    const { deps, options } = schedulerParts(view.database, {
      deps: {
        clock: this.clock,
        random: this.random,
        ids: this.ids,
        tables: simulatedTables(this.away, view),
        identity: identityOf(host, pid),
        isAlive: (other) => (other.host === host ? this.#isRunning(other.pid) : null),
        execute: (attempt) => this.#execute(number, attempt),
        notify: (event) => this.#record(number, event),
      },
      options: {
        concurrency: this.#script.concurrency,
        leaseMs,
        retryPolicy: { baseMs: 2000, longestMs: longestBackoffMs },
      },
    })
    const scheduler = new Scheduler(deps, options)
    this.#owners.set(scheduler.id, { host, alive: true, stopped: false })
    return { view, pid, scheduler }
  }

  #isRunning(pid: number): boolean {
    return this.slots.some((slot) => slot.pid === pid)
  }

  #record(slot: number, event: SchedulerEvent): void {
    const job = 'claimed' in event ? event.claimed.job.key : null
    const detail = { slot, kind: event.kind, job, outcome: 'outcome' in event ? event.outcome.kind : null }
    this.trace.add(this.clock.monotonic(), 'event', detail)
  }

  #execute(slot: number, attempt: Attempt): Promise<Outcome> {
    return new Promise((resolve) => {
      const worker: Worker = {
        attempt,
        over: false,
        staleSinceMs: null,
        end: (outcome) => {
          worker.over = true
          this.#fates.set(attemptName(attempt.job.id, attempt.number), outcome)
          resolve(outcome)
        },
      }
      this.slots[slot]?.workers.push(worker)
      // Most work listens; some goes on until it is over.
      const listens = attempt.job.key.length % 2 === 0 || attempt.number % 3 > 0
      attempt.signal.addEventListener('abort', () => {
        if (listens && !worker.over) worker.end({ kind: 'released', reason: 'told to stop' })
      })
    })
  }

  /** One pass of a scheduler, or two side by side. A pass may fail only by an injected fault or a table that went away. */
  async tick(...slots: readonly Slot[]): Promise<void> {
    const ready = slots.filter((slot) => !slot.frozen && slot.pending === null)
    if (ready.length === 0) return
    const strikes = ready.map(({ view }) => view.strikes)
    await this.step('tick', ready, async () => {
      const counts = await Promise.all(ready.map((slot) => this.#pass(slot)))
      const [only] = counts
      const undisturbed = ready.length === 1 && ready[0]?.view.strikes === strikes[0]
      // An attempt that ended in the middle of the pass keeps its place until the next one, which its end starts.
      return undisturbed && only !== null && only !== undefined
        ? this.#script.concurrency - (ready[0]?.scheduler.held.size ?? 0)
        : null
    })
    for (const slot of ready) if (slot.view.dead) await this.crash(slot)
  }

  async #pass(slot: Slot): Promise<TickCounts | null> {
    const stuck = slot.view.untilStuck()
    const pass = this.#passToItsEnd(slot)
    const first = await Promise.race([pass, stuck])
    if (first !== 'stuck') return first
    slot.pending = pass
    return null
  }

  async #passToItsEnd(slot: Slot): Promise<TickCounts | null> {
    const { view, scheduler } = slot
    const strikes = view.strikes
    const begunMs = this.clock.monotonic()
    try {
      const counts = await scheduler.tick()
      this.trace.add(this.clock.monotonic(), 'pass', { slot: slot.number, ...counts })
      await drain()
      this.#expectNoticed(slot, begunMs)
      return counts
    } catch (error) {
      const failure = view.database.dialect.classify(error)
      this.trace.add(this.clock.monotonic(), 'failure', { slot: slot.number, failure })
      if (failure === 'missing_object') scheduler.tables.forget()
      else if (view.strikes === strikes) this.faults.push(`a pass failed by itself: ${describe(error)}`)
      return null
    }
  }

  /**
   * Work whose attempt is not current any more is told to stop by the first pass that begins a second later. One
   * that had begun before, and got stuck in the middle, may have looked already.
   */
  #expectNoticed({ workers }: Slot, begunMs: number): void {
    for (const { attempt, over, staleSinceMs } of workers) {
      if (over || attempt.signal.aborted || staleSinceMs === null) continue
      if (begunMs - staleSinceMs < noticeMs) continue
      this.faults.push(`attempt ${attempt.number} of ${attempt.job.key} goes on although it is not current any more`)
    }
  }

  /** Lets a stuck pass go on to its end. */
  async resume(slot: Slot): Promise<void> {
    slot.frozen = false
    const { pending } = slot
    if (pending === null) return
    await this.step('resume', [slot], async () => {
      slot.view.resume()
      await pending
      slot.pending = null
      return null
    })
    if (slot.view.dead) await this.crash(slot)
  }

  /** The process is gone with everything it knew; another one takes its place. */
  async crash(slot: Slot): Promise<void> {
    await this.step('crash', [], async () => {
      slot.view.dead = true
      const owner = this.#owners.get(slot.scheduler.id)
      if (owner !== undefined) owner.alive = false
      Object.assign(slot, { workers: [], frozen: false, pending: null }, this.#makeProcess(slot))
      return null
    })
  }

  /** A clean stop: everything is given back, uncharged, and the scheduler says that it left. */
  async stop(slot: Slot): Promise<void> {
    if (slot.frozen || slot.pending !== null) return
    slot.view.disarm()
    await this.step('stop', [slot], async () => {
      // As the run around a scheduler does: what cannot be written now is left to the leases.
      await slot.scheduler.stop(0).catch(() => {})
      await slot.scheduler.leave().catch(() => {})
      return null
    })
    const owner = this.#owners.get(slot.scheduler.id)
    if (owner !== undefined) owner.stopped = true
    await this.crash(slot)
  }

  /** Schedulers whose end their peers can tell by who they were; all others are judged by their leases. */
  async knownGone(): Promise<ReadonlySet<string>> {
    const noted = await this.database.db.selectFrom('scheduler_instances').select(['id', 'stopped_at']).execute()
    const gone = noted.filter(({ id, stopped_at }) => {
      const owner = this.#owners.get(id)
      return stopped_at !== null || (owner?.alive === false && this.slots.some(({ host }) => host === owner.host))
    })
    return new Set(gone.map(({ id }) => id))
  }

  /** Does something and explains what changed. The action returns how many places are free after it, if that is known. */
  async step(name: string, at: readonly Slot[], action: () => Promise<number | null>): Promise<void> {
    const from = this.clock.now()
    const actors = at.map(({ scheduler }) => scheduler.id)
    const freePlaces = await action()
    await drain()
    await this.#sabotageIfAny()
    this.#now = await readSnapshot(this.database, !this.away.has('job_locks'))
    this.#observe({ name, actors, freePlaces, span: { from, to: Math.max(from, this.clock.now()) } })
  }

  async #sabotageIfAny(): Promise<void> {
    if (this.#sabotage === undefined) return
    const after = await readSnapshot(this.database, !this.away.has('job_locks'))
    await this.#sabotage(this.database, this.#now, after)
  }

  #observe(step: Step): void {
    const { transitions, faults } = this.#observer.observe(this.#now, step)
    const at = this.clock.monotonic()
    for (const transition of transitions) this.trace.add(at, step.name, transition)
    this.faults.push(...faults)
    const current = new Map(this.#now.jobs.map((job) => [job.id, job.state === 'running' ? job.attempt : null]))
    for (const worker of this.slots.flatMap(({ workers }) => workers)) {
      if (current.get(worker.attempt.job.id) !== worker.attempt.number) worker.staleSinceMs ??= at
    }
  }
}

function identityOf(host: string, pid: number): ProcessIdentity {
  return { host, bootId: `boot of ${host}`, pidNamespace: 'first', pid, startTime: `start of ${pid}` }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
