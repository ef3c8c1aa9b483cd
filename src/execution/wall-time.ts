import type { Outcome } from './attempt.ts'

/**
 * The wall time of one attempt: stops its work when it is over, and turns that stop into a failed try. Real
 * time on purpose, also in tests: what it bounds are real processes and sockets.
 */
export class WallTime {
  readonly #limitMs: number
  /** Aborted when the time is over; a timer that does not keep the process alive. */
  readonly signal: AbortSignal

  constructor(limitMs: number) {
    this.#limitMs = limitMs
    this.signal = AbortSignal.timeout(limitMs)
  }

  /** The outcome of work that this clock stopped; of other work its own. */
  judge(outcome: Outcome, stoppedBy: AbortSignal): Outcome {
    if (!this.signal.aborted || stoppedBy.reason !== this.signal.reason || outcome.kind !== 'released') return outcome
    const message = `not done within ${Math.round(this.#limitMs / 1000)} s, the limit of one attempt`
    const hint = 'Split the job, or raise limits.job_timeout_ms'
    return { kind: 'failed', failure: { errorClass: 'limit', message, hint, evidence: [] }, retryable: true }
  }
}
