import type { Outcome } from '../attempt.ts'
import type { CommandResult } from '../../workspace/run-command.ts'

/** What an executor did; whether that completes the job is for verification to say. */
export interface FinishedWork {
  readonly kind: 'finished'
  /** For dependants and people. */
  readonly summary: string
  /** Acceptance ids the worker claims to meet: passed on, never believed. */
  readonly claims: readonly string[]
  /** The terminated reply of a model, or the output of a command. */
  readonly reply: string | null
  /** How a command job's program ended. */
  readonly exit: Pick<CommandResult, 'exitCode' | 'signal' | 'timedOut'> | null
  /** Files that commands changed outside `writes`. */
  readonly strayFiles: readonly string[]
  /** Paths that tools wrote. */
  readonly writtenFiles: readonly string[]
  /** A simulated model had a part in it. */
  readonly rehearsed: boolean
}

export type Work = FinishedWork | { readonly kind: 'ended'; readonly outcome: Outcome }

/** A failure that ends the try. */
export function failedWork(
  errorClass: string,
  message: string,
  { hint, retryable = true }: { readonly hint?: string; readonly retryable?: boolean } = {},
): Extract<Work, { kind: 'ended' }> {
  const failure = { errorClass, message, ...(hint === undefined ? {} : { hint }), evidence: [] }
  return { kind: 'ended', outcome: { kind: 'failed', failure, retryable } }
}
