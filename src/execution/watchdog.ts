/**
 * Bounds what an attempt may take in time: its wall time, and how long it may go without a sign of life. What it may
 * consume is bounded where calls are admitted (calls/job-limits.ts), what it may repeat by the repetition guard.
 *
 * Real time on purpose, also in tests: what is bounded are real processes and sockets. Waiting for the database is not
 * the job's doing and does not count: a result that is paid for must reach it, however long that takes.
 */
/* oxlint-disable no-restricted-globals -- a clock that a test moves says nothing about real processes and sockets */
import type { Limit } from '../calls/job-limits.ts'
import type { Outcome } from './attempt.ts'

/** How an attempt shows that it gets on. */
export interface Vitals {
  /** It did something, or begins `doing`, which by a bound of its own may be quiet for `quietMs`. */
  alive(doing?: string, quietMs?: number): void
  /** Runs a write that may wait for the database; its time does not count. */
  outsideTime<T>(write: () => Promise<T>): Promise<T>
}

/** For work that nobody bounds. */
export const noVitals: Vitals = { alive: () => {}, outsideTime: (write) => write() }

export interface TimeLimits {
  /** Wall time of one attempt; the setting `limits.job_timeout_ms`. */
  readonly attemptTimeoutMs: number
  /** Milliseconds without a sign of life; the setting `limits.job_silence_ms`. */
  readonly silence: Limit
}

type Cause = 'time' | 'silence'

/** Longer timers fire at once (Node, `setTimeout`). */
const longestTimerMs = 2 ** 31 - 1
/** How often a paused time is looked at. */
const pausedLookMs = 1000
/** What a bound of its own gets on top before silence is spoken of: it has to end and to be written. */
const marginMs = 30_000

export class Watchdog implements Vitals {
  readonly #limits: TimeLimits
  readonly #stop = new AbortController()
  #closed = false
  readonly #elapsed = new PausableTime()
  #aliveAtMs = 0
  #quietMs: number
  #doing = 'the start of the attempt'
  #cause: Cause | null = null

  constructor(limits: TimeLimits) {
    this.#limits = limits
    this.#quietMs = limits.silence.most
    this.#arm()
  }

  /** Aborted when a limit is passed. No timer behind it keeps the process alive. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  alive(doing?: string, quietMs = 0): void {
    const { most, stated } = this.#limits.silence
    this.#aliveAtMs = this.#elapsed.now()
    if (doing === undefined) return
    this.#doing = doing
    // A default gives way to what a plan or another setting says about a call or command; a stated limit does not.
    this.#quietMs = stated || quietMs === 0 ? most : Math.max(most, quietMs + marginMs)
  }

  async outsideTime<T>(write: () => Promise<T>): Promise<T> {
    this.#elapsed.pause()
    try {
      return await write()
    } finally {
      this.#elapsed.resume()
    }
  }

  /** The outcome of work that this watchdog stopped; of other work its own. */
  judge(outcome: Outcome, stoppedBy: AbortSignal): Outcome {
    if (this.#cause === null || stoppedBy.reason !== this.signal.reason || outcome.kind !== 'released') return outcome
    return { kind: 'failed', failure: { ...this.#explain(this.#cause), evidence: [] }, retryable: true }
  }

  /** The attempt is over. */
  close(): void {
    this.#closed = true
  }

  #explain(cause: Cause) {
    if (cause === 'time') {
      const most = secondsOf(this.#limits.attemptTimeoutMs)
      return {
        errorClass: 'time_limit',
        message: `not done within ${most} (limits.job_timeout_ms); it was at ${this.#doing}`,
        hint: 'Split the job, or raise limits.job_timeout_ms',
      }
    }
    return {
      errorClass: 'silence_limit',
      message: `no sign of life for ${secondsOf(this.#quietMs)} (limits.job_silence_ms) at ${this.#doing}`,
      hint: 'Look at what it waited for; raise limits.job_silence_ms if it may be quiet that long',
    }
  }

  #arm(): void {
    const soonestMs = this.#elapsed.isPaused ? pausedLookMs : 1
    const delayMs = Math.min(longestTimerMs, Math.max(soonestMs, Math.ceil(this.#dueInMs())))
    AbortSignal.timeout(delayMs).addEventListener('abort', () => this.#look(), { once: true })
  }

  #dueInMs(): number {
    return Math.min(this.#limits.attemptTimeoutMs, this.#aliveAtMs + this.#quietMs) - this.#elapsed.now()
  }

  #look(): void {
    if (this.#closed) return
    if (this.#elapsed.isPaused || this.#dueInMs() > 0) return this.#arm()
    this.#cause = this.#elapsed.now() >= this.#limits.attemptTimeoutMs ? 'time' : 'silence'
    this.#stop.abort(new Error(`the watchdog stopped it: ${this.#cause}`))
  }
}

/** Time that stands still while it is paused; pauses may overlap. */
class PausableTime {
  readonly #startedAtMs = performance.now()
  #pauses = 0
  #pausedAtMs = 0
  #pausedMs = 0

  get isPaused(): boolean {
    return this.#pauses > 0
  }

  now(): number {
    const until = this.isPaused ? this.#pausedAtMs : performance.now()
    return until - this.#startedAtMs - this.#pausedMs
  }

  pause(): void {
    if (!this.isPaused) this.#pausedAtMs = performance.now()
    this.#pauses += 1
  }

  resume(): void {
    this.#pauses -= 1
    if (!this.isPaused) this.#pausedMs += performance.now() - this.#pausedAtMs
  }
}

function secondsOf(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${Math.round(durationMs / 1000)} s`
}
