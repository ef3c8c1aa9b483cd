import type { Evidence, Job, JobFailure, JobResult } from '../domain/job.ts'
import type { Argv } from '../domain/plan.ts'
import type { MicroUsd } from '../domain/money.ts'

/** The project as its jobs see it. */
export interface ProjectView {
  readonly id: string
  readonly slug: string
  readonly goal: string
  readonly workspace: string
  readonly budgetMicroUsd: MicroUsd | null
  /** Argv arrays of the approved plan: the only commands that agents and checks may run. */
  readonly commands: readonly Argv[]
}

/** One run of a job by one scheduler. */
export interface Attempt {
  readonly job: Job
  readonly project: ProjectView
  /** The fencing token. */
  readonly number: number
  readonly try: number
  readonly schedulerId: string
  /** Aborted on stop, cancel and loss of the lease; `reason` is a StopReason. */
  readonly signal: AbortSignal
  /** Why the last try failed; null in a first try. */
  readonly lastFailure: JobFailure | null
  /** Told of the first write that the fence refused, so that everything else the attempt does stops at once. */
  readonly onRefused?: (reason: Exclude<StopReason, 'stop'>) => void
}

export type StopReason = 'stop' | 'cancelled' | 'lost'

/** How an attempt ended (DESIGN section 3). Expected ends are data, never exceptions. */
export type Outcome =
  | {
      readonly kind: 'completed'
      readonly result: JobResult
      readonly evidence: readonly Evidence[]
      /** A simulated model had a part in it; the row is marked. */
      readonly rehearsed: boolean
    }
  | { readonly kind: 'failed'; readonly failure: JobFailure; readonly retryable: boolean }
  /** Gives the slot back; the try goes on at `untilMs` (epoch) or when the condition clears. */
  | {
      readonly kind: 'wait'
      readonly waitsFor: 'budget' | 'provider' | 'rate' | 'database'
      readonly untilMs: number
      readonly reason: string
    }
  /** `outage`: the database was away, which says nothing about the job and is no interruption of its making. */
  | { readonly kind: 'released'; readonly reason: string; readonly outage?: boolean }
  | { readonly kind: 'cancelled' }
  /** A write was refused by the fence: somebody else owns the job now. */
  | { readonly kind: 'lost' }
