import type { Check, PlannedJob } from './plan.ts'
import type { JobHold, JobState } from './job-state.ts'

/** A job as the features see it. Times are epoch milliseconds. */
export interface Job {
  readonly id: string
  readonly projectId: string
  readonly key: string
  readonly title: string
  readonly description: string
  readonly role: string | null
  readonly executor: string
  readonly state: JobState
  readonly hold: JobHold | null
  readonly holdReason: string | null
  readonly priority: number
  readonly effectivePriority: number
  readonly pathLength: number
  readonly runAt: number
  readonly readyAt: number | null
  readonly blockedBy: number
  /** The fencing token: the number of the latest attempt, 0 before the first. */
  readonly attempt: number
  readonly try: number
  readonly maxTries: number
  readonly interruptions: number
  readonly leaseOwner: string | null
  readonly leaseExpiresAt: number | null
  readonly waitsFor: string | null
  readonly plan: PlannedJob
  readonly result: JobResult | null
  readonly error: JobFailure | null
  readonly skippedBecause: string | null
  readonly rehearsed: boolean
  readonly createdAt: number
  readonly updatedAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
}

/** What a completed job hands to its dependants. */
export interface JobResult {
  readonly summary: string
  readonly files: readonly ProducedFile[]
  /** Acceptance ids the worker claims to meet. A claim, never evidence. */
  readonly claims: readonly string[]
  readonly reply: string | null
}

export interface ProducedFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

/** Why a try failed, in a form that the next try and a person can use. */
export interface JobFailure {
  /**
   * An error class of the provider taxonomy, or `evidence`, `command`, `config`, `workspace`, `diverged`, or one of the
   * watchdog: `time_limit`, `silence_limit`, `turn_limit`, `token_limit`, `money_limit`, `repetition`.
   */
  readonly errorClass: string
  readonly message: string
  readonly hint?: string
  readonly evidence: readonly Evidence[]
}

/** What orch itself observed about one check. */
export interface Evidence {
  readonly id: string
  readonly check: Check['check'] | 'deliverables' | 'reply' | 'exit' | 'writes'
  readonly passed: boolean
  /** One line: what was expected and what was found. */
  readonly found: string
  /** The tail of a command's output, where there is one. */
  readonly output?: string
}
