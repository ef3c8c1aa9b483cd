import type { Evidence, JobFailure, JobResult } from './job.ts'
import type { AttemptOutcome } from './job-state.ts'

/** What the end of an attempt does to its job: the outcome table of DESIGN section 3 as data. */
export interface AttemptEnd {
  readonly outcome: Exclude<AttemptOutcome, 'lost'>
  readonly state: 'completed' | 'ready' | 'failed' | 'cancelled'
  /** Whether the next attempt starts another try, with an empty journal. */
  readonly nextTry: boolean
  /** When the job may start again: after a delay, or at a time somebody named (epoch milliseconds). */
  readonly again: { readonly delayMs: number } | { readonly untilMs: number } | null
  readonly waitsFor: string | null
  /** Ended by infrastructure: three in a row without a new committed errand quarantine the job. */
  readonly interruption: boolean
  readonly result: JobResult | null
  readonly failure: JobFailure | null
  readonly evidence: readonly Evidence[]
  readonly rehearsed: boolean
  /** One line for the history. */
  readonly reason: string | null
}

/** Interruptions in a row, without a new committed errand, that quarantine a job. */
export const interruptionsToQuarantine = 3
