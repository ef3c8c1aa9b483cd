import type { Database } from '../database/connection.ts'
import { outageTexts } from '../database/dialect/outage-cause.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { SchedulerEvent } from './scheduler-types.ts'

/** Failures in a row that orch does not understand, before a run gives up. */
const mostBugs = 5
const shortestPauseMs = 100
/** The database's return must be noticed within 5 s, and a look at a dead server may take some of that. */
const longestPauseMs = 1500
/** A cause that comes and goes is not said again within this time. */
const quietMs = 10_000

interface OutageDeps {
  readonly database: Pick<Database, 'dialect'>
  readonly clock: Clock
  readonly random: Random
  readonly notify: (event: SchedulerEvent) => void
}

/**
 * What a run knows of a database that fails: says each cause once, and when it is over; tells an outage, which is
 * waited out, from a bug, which is not.
 */
export class RunOutage {
  readonly #deps: OutageDeps
  /** When each cause was last said; monotonic. */
  readonly #saidAtMs = new Map<string, number>()
  /** Causes of the outage under way, and whether anything was said of it. */
  readonly #causes = new Set<string>()
  #said = false
  #failures = 0
  #bugs = 0
  #sinceMs: number | null = null

  constructor(deps: OutageDeps) {
    this.#deps = deps
  }

  /** Whether the last pass failed. */
  get isUnderWay(): boolean {
    return this.#failures > 0
  }

  /** Call with what a pass threw. False when it is a bug, and has come so often that going on makes no sense. */
  fail(error: unknown): boolean {
    this.#failures += 1
    this.#sinceMs ??= this.#deps.clock.monotonic()
    const { dialect } = this.#deps.database
    const failure = dialect.classify(error)
    if (failure === 'outage' || failure === 'contention') {
      this.#bugs = 0
      this.#sayOutage(error)
      return true
    }
    // A table that vanished shows at the next look, which says what is off.
    if (failure !== 'missing_object') this.#bugs += 1
    if (this.#bugs >= mostBugs) return false
    this.#sayFailure(failure, error)
    return true
  }

  /** Call after a pass that worked. */
  recover(): void {
    if (this.#said) this.#deps.notify({ kind: 'recovered' })
    this.#causes.clear()
    this.#said = false
    this.#failures = 0
    this.#bugs = 0
    this.#sinceMs = null
  }

  /** How long passes have failed now; 0 where the last one worked. */
  lastedMs(): number {
    return this.#sinceMs === null ? 0 : this.#deps.clock.monotonic() - this.#sinceMs
  }

  /** How long to wait before the next pass: growing, with jitter, so that many schedulers do not knock at once. */
  pauseMs(): number {
    const longest = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(this.#failures, 6))
    return longest * (0.5 + this.#deps.random.next() / 2)
  }

  #sayOutage(error: unknown): void {
    const cause = this.#deps.database.dialect.causeOf(error)
    if (!this.#isNews(cause)) return
    this.#said = true
    this.#deps.notify({ kind: 'outage', cause, message: `${outageTexts[cause]}: ${errorMessage(error)}` })
  }

  #sayFailure(failure: string, error: unknown): void {
    if (!this.#isNews(failure)) return
    const hint = failure === 'missing_object' ? 'See `orch db status`' : 'If this goes on, the run ends with an error'
    this.#deps.notify({ kind: 'warning', message: `A pass over the jobs failed: ${errorMessage(error)}`, hint })
  }

  #isNews(cause: string): boolean {
    const nowMs = this.#deps.clock.monotonic()
    const known = this.#causes.has(cause)
    const recent = nowMs - (this.#saidAtMs.get(cause) ?? Number.NEGATIVE_INFINITY) < quietMs
    this.#causes.add(cause)
    if (known || recent) return false
    this.#saidAtMs.set(cause, nowMs)
    return true
  }
}
