/** The loop around `Scheduler.tick`: pace, outages, drain and stop, and when a run is over. */
import { readRunState, type RunState } from '../database/queries/run-state.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { ExitName } from '../errors/exit-code.ts'
import { Scheduler } from './scheduler.ts'
import type { SchedulerDeps, SchedulerOptions, TickCounts } from './scheduler-types.ts'

export interface RunOptions extends SchedulerOptions {
  /** End when nothing runs and nothing can start within `maxWaitMs`. */
  readonly untilIdle: boolean
  readonly maxWaitMs: number
  /** How long a drain waits before it stops what runs; null waits as long as it takes. */
  readonly graceMs: number | null
}

export interface RunReport {
  readonly end: 'idle' | 'tablesMissing' | 'drained' | 'stopped'
  /** Jobs by state at the end of an idle run. */
  readonly counts: RunState['counts']
}

const shortestPauseMs = 250
const longestPauseMs = 2000
const longestOutagePauseMs = 4000
/** How long stopped work may take to wind up before its job is given back over its head. */
const stopGraceMs = 2000
/** Passes in a row that failed for a reason orch does not know, before the run gives up. */
const unknownFailures = 5

export class SchedulerRun {
  readonly scheduler: Scheduler
  readonly #deps: SchedulerDeps
  readonly #options: RunOptions
  #wakeup = new AbortController()
  readonly #drained = new AbortController()
  #stopping = false
  #stopAt = Number.POSITIVE_INFINITY
  #idlePasses = 0
  #failures = 0
  #unknown = 0
  #changeVersion: number | null = null

  constructor(deps: SchedulerDeps, options: RunOptions) {
    this.#deps = deps
    this.#options = options
    this.scheduler = new Scheduler(deps, options)
    this.scheduler.onEnd(() => this.#wakeup.abort())
  }

  /** No new claims; what runs goes on, its leases kept, and the run ends after it. */
  drain(): void {
    if (this.scheduler.draining) return
    this.scheduler.draining = true
    if (this.#options.graceMs !== null) this.#stopAt = this.#deps.clock.monotonic() + this.#options.graceMs
    this.#deps.notify({ kind: 'draining', running: this.scheduler.held.running })
    this.#drained.abort()
    this.#wakeup.abort()
  }

  /** Aborts what runs and gives it back; the try is not charged. */
  stop(): void {
    this.scheduler.draining = true
    this.#stopping = true
    // Not left to the next pass: the one under way may be waiting for a database that is gone.
    this.scheduler.held.abortAll('stop')
    this.#drained.abort()
    this.#deps.notify({ kind: 'stopping', running: this.scheduler.held.running })
    this.#wakeup.abort()
  }

  /** Runs until there is a reason to end. Survives outages of the database. */
  async run(): Promise<RunReport> {
    try {
      for (;;) {
        const counts = await this.#pass()
        const report = await this.#ending(counts)
        if (report !== null) return report
        await this.#pause(counts)
      }
    } finally {
      // Nobody waits for an answer: without it others take the jobs when the leases run out.
      await this.scheduler.leave().catch(() => {})
    }
  }

  /** One tick; null where the database failed it. */
  async #pass(): Promise<TickCounts | null> {
    this.#wakeup = new AbortController()
    try {
      const counts = await this.scheduler.tick()
      if (this.#failures > 0) this.#deps.notify({ kind: 'recovered' })
      this.#failures = 0
      this.#unknown = 0
      const busy = counts.settled + counts.claimed + counts.rescued + counts.woken > 0
      this.#idlePasses = busy ? 0 : this.#idlePasses + 1
      return counts
    } catch (error) {
      await this.#fail(error)
      return null
    }
  }

  async #fail(error: unknown): Promise<void> {
    const failure = this.#deps.database.dialect.classify(error)
    if (failure === 'missing_object') this.scheduler.tables.forget()
    this.#unknown = failure === 'other' || failure === 'duplicate' ? this.#unknown + 1 : 0
    if (this.#unknown >= unknownFailures) {
      await this.scheduler.stop(stopGraceMs).catch(() => {})
      throw error
    }
    if (this.#failures === 0) this.#deps.notify({ kind: 'outage', message: errorMessage(error) })
    this.#failures += 1
  }

  async #ending(counts: TickCounts | null): Promise<RunReport | null> {
    const { held, draining } = this.scheduler
    if (this.#stopping || this.#deps.clock.monotonic() >= this.#stopAt) {
      // Without the database the leases run out and others take the jobs.
      await this.scheduler.stop(stopGraceMs).catch(() => {})
      return { end: 'stopped', counts: {} }
    }
    if (draining && held.size === 0) return { end: 'drained', counts: {} }
    if (!this.#options.untilIdle || draining || counts === null || held.size > 0) return null
    return this.#idleEnd(counts)
  }

  async #idleEnd(counts: TickCounts): Promise<RunReport | null> {
    if (counts.settled + counts.claimed + counts.rescued + counts.woken > 0) return null
    try {
      if ((await this.scheduler.tables.look()) === null) return { end: 'tablesMissing', counts: {} }
      const state = await this.#readState()
      return state === null ? null : { end: 'idle', counts: state.counts }
    } catch (error) {
      await this.#fail(error)
      return null
    }
  }

  /** Null while something runs, here or elsewhere, or may start soon enough. */
  async #readState(): Promise<RunState | null> {
    const { database } = this.#deps
    const now = await database.now()
    const facts = { ...(await this.scheduler.readFacts()), now }
    const state = await readRunState(database.db, this.#options.projectSlug, facts)
    if ((state.counts.running ?? 0) > 0) return null
    if (state.nextStartAt !== null && state.nextStartAt - now <= this.#options.maxWaitMs) return null
    return state
  }

  async #pause(counts: TickCounts | null): Promise<void> {
    const wakeup = this.#wakeup.signal
    if (this.scheduler.held.ended().length > 0 && counts !== null) return
    const { clock, random } = this.#deps
    if (counts === null) {
      const longest = Math.min(longestOutagePauseMs, shortestPauseMs * 2 ** Math.min(this.#failures, 6))
      // An attempt that ends now would only meet the same outage: only a signal cuts this short.
      await clock.sleep(longest * (0.5 + random.next() / 2), this.scheduler.draining ? wakeup : this.#drained.signal)
      return
    }
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(this.#idlePasses, 4))
    const until = Math.min(clock.monotonic() + pauseMs, this.#stopAt)
    while (clock.monotonic() < until && !wakeup.aborted) {
      const changed = await this.#databaseChanged()
      if (changed) return
      await clock.sleep(Math.min(shortestPauseMs, until - clock.monotonic()), wakeup)
    }
  }

  /** Whether somebody else wrote; where the database cannot say so cheaply, the pause simply ends. */
  async #databaseChanged(): Promise<boolean> {
    const { database } = this.#deps
    const before = this.#changeVersion
    this.#changeVersion = await database.dialect.changeVersion(database.db).catch(() => before)
    const changed = before !== null && this.#changeVersion !== before
    if (changed && !this.scheduler.tables.complete) this.scheduler.tables.forget()
    return changed
  }
}

/** The exit a run means (DESIGN section 5). */
export function exitOfRun({ end, counts }: RunReport): ExitName {
  if (end === 'tablesMissing') return 'migrationsPending'
  if (end !== 'idle') return 'signal'
  if ((counts.failed ?? 0) + (counts.skipped ?? 0) > 0) return 'runFailed'
  if ((counts.blocked ?? 0) + (counts.ready ?? 0) > 0) return 'runWaits'
  return 'done'
}
