/** How a run sleeps between two passes: until somebody writes, a job becomes due, or it is time to look anyway. */
import type { Database } from '../database/connection.ts'
import type { ChangeWatch } from '../database/dialect/change-watch.ts'
import { nextDueAt } from '../database/queries/next-due.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { SchedulerEvent } from './scheduler-types.ts'

interface PauseDeps {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly notify: (event: SchedulerEvent) => void
}

/** What the pass before the pause found. */
export interface PassFound {
  /** It settled, claimed, rescued or woke something. */
  readonly busy: boolean
  /** Nothing more could be claimed anyway. */
  readonly full: boolean
  /** There is nothing that could change without a commit, or before a time that is known. */
  readonly quiet: boolean
}

export interface PauseLimits {
  /** The longest sleep, on top of the watch's own pace. */
  readonly mostMs: number
  /** Monotonic time at which the pause must be over. */
  readonly untilMs: number
  /** Ends the pause at once. */
  readonly signal: AbortSignal
}

/** Hints in a row that brought nothing, before the next ones are answered more slowly. */
const patientHints = 5
const slowestAnswerMs = { free: 40, full: 200 } as const
/** Between two looks where all is quiet and changes are heard of: a scheduler that waits for a day costs next to nothing. */
const quietLookMs = 5000
/** How long an answer about the next due job counts while nothing is heard. */
const dueFreshMs = 5000

export class RunPause {
  readonly #deps: PauseDeps
  readonly #watch: ChangeWatch
  #fruitless = 0
  #heard = true
  /** Monotonic; infinite where nothing waits for time. */
  #dueAtMs = Number.POSITIVE_INFINITY
  #askDueAtMs = 0

  constructor(deps: PauseDeps) {
    this.#deps = deps
    this.#watch = deps.database.watchChanges({
      onDeaf: (message, hint) => deps.notify({ kind: 'warning', message, hint }),
    })
  }

  /** Sleeps after a pass that worked. True when others wrote meanwhile. */
  async sleep(found: PassFound, limits: PauseLimits): Promise<boolean> {
    const { clock, random } = this.#deps
    this.#fruitless = this.#heard && !found.busy ? this.#fruitless + 1 : 0
    await this.#answerSlowly(found, limits)
    if (found.busy || this.#heard || clock.monotonic() >= this.#askDueAtMs) await this.#askDue()
    const lookEveryMs = found.quiet && this.#watch.mode !== 'polls' ? quietLookMs : this.#watch.lookEveryMs
    const paceMs = Math.min(limits.mostMs, lookEveryMs * (0.8 + random.next() * 0.4))
    // A full scheduler takes nothing that becomes due.
    const dueAtMs = found.full ? Number.POSITIVE_INFINITY : this.#dueAtMs
    const untilMs = Math.min(clock.monotonic() + paceMs, dueAtMs, limits.untilMs)
    this.#heard = await this.#sleepUntil(untilMs, limits.signal)
    return this.#heard
  }

  /** Ends the watch. */
  close(): Promise<void> {
    return this.#watch.close()
  }

  /** Neighbours that write all the time must not keep this process busy with looking. */
  async #answerSlowly({ full }: PassFound, { signal }: PauseLimits): Promise<void> {
    const beyond = this.#fruitless - patientHints
    if (beyond <= 0) return
    const slowest = full ? slowestAnswerMs.full : slowestAnswerMs.free
    await this.#deps.clock.sleep(Math.min(slowest, 2 ** Math.min(beyond, 10)), signal)
  }

  async #askDue(): Promise<void> {
    const { clock, database } = this.#deps
    this.#dueAtMs = Number.POSITIVE_INFINITY
    try {
      const now = await database.now()
      const at = await nextDueAt(database.db, now)
      if (at !== null) this.#dueAtMs = clock.monotonic() + (at - now)
    } catch {
      // Without an answer the usual pace must do; the next pass says what is wrong.
    }
    this.#askDueAtMs = Math.min(this.#dueAtMs, clock.monotonic() + dueFreshMs)
  }

  async #sleepUntil(untilMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#deps
    const delayMs = untilMs - clock.monotonic()
    if (signal.aborted || delayMs <= 0) return false
    const nap = new AbortController()
    const end = () => nap.abort()
    signal.addEventListener('abort', end, { once: true })
    const heard = this.#watch.next(nap.signal)
    // Timers end up to a millisecond early; a pass before the time would find nothing and sleep again.
    await Promise.race([clock.sleep(Math.ceil(delayMs), nap.signal), heard])
    nap.abort()
    signal.removeEventListener('abort', end)
    return heard
  }
}
