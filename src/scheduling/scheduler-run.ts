/** The loop around `Scheduler.tick`: pace, outages, drain and stop, and when a run is over. */
import { readRunState, type RunState } from '../database/queries/run-state.ts'
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import type { ExitName } from '../errors/exit-code.ts'
import { NeighbourHint } from './neighbour-hint.ts'
import { RunOutage } from './run-outage.ts'
import { RunPause } from './run-pause.ts'
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

/** How long stopped work may take to wind up before its job is given back over its head. */
const stopGraceMs = 2000
/** How long a drain with nothing left running waits for a database that is away, to write what ended. */
const lastWriteMs = 3000

export class SchedulerRun {
  readonly scheduler: Scheduler
  readonly #deps: SchedulerDeps
  readonly #options: RunOptions
  #wakeup = new AbortController()
  readonly #drained = new AbortController()
  #stopping = false
  #stopAt = Number.POSITIVE_INFINITY
  readonly #outage: RunOutage
  readonly #hint: NeighbourHint
  #pause: RunPause | null = null
  #giveUpAt: number | null = null

  constructor(deps: SchedulerDeps, options: RunOptions) {
    this.#deps = deps
    this.#options = options
    this.scheduler = new Scheduler(deps, options)
    this.#outage = new RunOutage(deps)
    this.#hint = new NeighbourHint(deps)
    this.scheduler.onEnd(() => this.#wakeUp())
  }

  /** No new claims; what runs goes on, its leases kept, and the run ends after it. */
  drain(): void {
    if (this.scheduler.draining) return
    this.scheduler.draining = true
    if (this.#options.graceMs !== null) this.#stopAt = this.#deps.clock.monotonic() + this.#options.graceMs
    this.#deps.notify({ kind: 'draining', running: this.scheduler.held.running })
    // Nothing to wait for but a claim that must not happen any more.
    if (this.scheduler.held.size === 0) this.#deps.database.hurry()
    this.#drained.abort()
    this.#wakeUp()
  }

  /** Aborts what runs and gives it back; the try is not charged. */
  stop(): void {
    this.scheduler.draining = true
    this.#stopping = true
    // Not left to the next pass: the one under way may be waiting for a database that is gone.
    this.scheduler.held.abortAll('stop')
    this.#deps.database.hurry()
    this.#drained.abort()
    this.#deps.notify({ kind: 'stopping', running: this.scheduler.held.running })
    this.#wakeUp()
  }

  /** Ends the pause. Many attempts may end in one pass, and each abort would make an error of its own. */
  #wakeUp(): void {
    if (!this.#wakeup.signal.aborted) this.#wakeup.abort('wake')
  }

  /**
   * Runs until there is a reason to end. Survives outages of the database; with `untilIdle`, those that end within
   * `maxWaitMs`: then it throws ORCH_DATABASE_UNREACHABLE.
   */
  async run(): Promise<RunReport> {
    this.#pause = new RunPause(this.#deps)
    try {
      for (;;) {
        const counts = await this.#pass()
        const report = await this.#ending(counts)
        if (report !== null) return report
        await this.#rest(counts)
      }
    } finally {
      await this.#pause.close()
      // Nobody waits for an answer: without it others take the jobs when the leases run out.
      if (!this.#outage.isUnderWay) await this.scheduler.leave().catch(() => {})
      await this.scheduler.close()
    }
  }

  /** One tick; null where the database failed it. */
  async #pass(): Promise<TickCounts | null> {
    this.#wakeup = new AbortController()
    try {
      const counts = await this.scheduler.tick()
      this.#outage.recover()
      this.#hint.afterPass(counts.settled > 0 && this.#isFull(counts))
      return counts
    } catch (error) {
      await this.#fail(error)
      return null
    }
  }

  #isFull({ running }: TickCounts): boolean {
    return this.scheduler.draining || running >= this.#options.concurrency
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#deps.database.dialect.classify(error) === 'missing_object') this.scheduler.tables.forget()
    const goOn = this.#outage.fail(error)
    const waited = this.#outage.lastedMs()
    if (goOn && (!this.#options.untilIdle || waited < this.#options.maxWaitMs)) return
    await this.scheduler.stop(stopGraceMs).catch(() => {})
    throw goOn ? awayTooLong(error, waited) : error
  }

  async #ending(counts: TickCounts | null): Promise<RunReport | null> {
    const { held, draining } = this.scheduler
    if (this.#stopping || this.#deps.clock.monotonic() >= this.#stopAt) {
      this.#deps.database.hurry()
      // Without the database the leases run out and others take the jobs.
      await this.scheduler.stop(stopGraceMs).catch(() => {})
      if (!this.#outage.isUnderWay) await this.#hint.last().catch(() => {})
      return { end: 'stopped', counts: {} }
    }
    if (draining && (held.size === 0 || this.#waitedEnough(counts))) return { end: 'drained', counts: {} }
    if (!this.#options.untilIdle || draining || counts === null || held.size > 0) return null
    return this.#idleEnd(counts)
  }

  /**
   * Whether a drain may end although ends of attempts are not written: nothing runs, and the database is away. What
   * was paid for is in the spool, and the jobs come back to whoever finds this process gone.
   */
  #waitedEnough(counts: TickCounts | null): boolean {
    const nowMs = this.#deps.clock.monotonic()
    if (counts !== null || this.scheduler.held.running > 0) this.#giveUpAt = null
    else this.#giveUpAt ??= nowMs + lastWriteMs
    return this.#giveUpAt !== null && nowMs >= this.#giveUpAt
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
    const facts = { ...(await this.scheduler.readFacts(this.#options.maxWaitMs)), now }
    const state = await readRunState(database.db, this.#options.projectSlug, facts)
    if ((state.counts.running ?? 0) > 0) return null
    if (state.nextStartAt !== null && state.nextStartAt - now <= this.#options.maxWaitMs) return null
    return state
  }

  async #rest(counts: TickCounts | null): Promise<void> {
    const { clock } = this.#deps
    const { held, draining, tables } = this.scheduler
    const wakeup = this.#wakeup.signal
    if (counts === null) {
      // An attempt that ends now would only meet the same outage: only a signal cuts this short.
      return clock.sleep(this.#outage.pauseMs(), draining ? wakeup : this.#drained.signal)
    }
    if (held.ended().length > 0) return
    const busy = counts.settled + counts.claimed + counts.rescued + counts.woken > 0
    // The pass after the last end may find that nothing is left: nobody would wake a sleep before it.
    if (this.#options.untilIdle && busy && held.size === 0) return
    const limits = { mostMs: this.#options.leaseMs / 4, untilMs: this.#stopAt, signal: wakeup }
    const changed = await this.#pause?.sleep({ busy, full: this.#isFull(counts), quiet: counts.quiet }, limits)
    if (changed === true && !tables.complete) tables.forget()
  }
}

function awayTooLong(error: unknown, waitedMs: number): OrchError {
  const seconds = Math.round(waitedMs / 1000)
  return new OrchError('ORCH_DATABASE_UNREACHABLE', `The database was away for ${seconds} s: ${errorMessage(error)}`, {
    hint: 'Without --until-idle, or with a longer --max-wait, `jobs run` waits for its return',
    cause: error,
  })
}

/** The exit a run means (DESIGN section 5). */
export function exitOfRun({ end, counts }: RunReport): ExitName {
  if (end === 'tablesMissing') return 'migrationsPending'
  if (end !== 'idle') return 'signal'
  if ((counts.failed ?? 0) + (counts.skipped ?? 0) > 0) return 'runFailed'
  if ((counts.blocked ?? 0) + (counts.ready ?? 0) > 0) return 'runWaits'
  return 'done'
}
