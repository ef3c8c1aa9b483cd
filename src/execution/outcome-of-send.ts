import type { SendResult } from '../calls/send-with-retry.ts'
import type { ErrorClass } from '../domain/error-class.ts'
import type { Outcome, StopReason } from './attempt.ts'

/** How long a job that a budget or a missing model holds rests before it looks again. */
const personWaitMs = 60_000

/** Classes that another try may get around, because models do not repeat themselves. */
const worthAnotherTry: ReadonlySet<ErrorClass> = new Set(['malformed', 'truncated', 'empty', 'hang', 'unknown_outcome'])

/** What a call without a reply means for its job (DESIGN section 7). */
export function outcomeOfSend(
  result: Exclude<SendResult, { kind: 'reply' }>,
  signal: AbortSignal,
  nowMs: number,
): Outcome {
  switch (result.kind) {
    case 'lost':
      return { kind: 'lost' }
    case 'aborted':
      return outcomeOfAbort(signal)
    case 'wait': {
      // Waiting for calls in flight ends by itself; only an exhausted budget is a matter for a person.
      const waitsFor = result.waitsFor === 'budget' ? 'rate' : result.waitsFor
      return { kind: 'wait', waitsFor, untilMs: result.untilMs, reason: result.reason }
    }
    case 'refused': {
      if (result.by === 'job_tokens') return pastLimit('token_limit', result)
      if (result.by === 'job_money') return pastLimit('money_limit', result)
      const waitsFor = result.by === 'no_model' ? 'provider' : 'budget'
      return { kind: 'wait', waitsFor, untilMs: nowMs + personWaitMs, reason: `${result.reason}. ${result.hint}` }
    }
    case 'failed': {
      const { errorClass, message, hint } = result
      const failure = { errorClass, message, ...(hint === undefined ? {} : { hint }), evidence: [] }
      return { kind: 'failed', failure, retryable: worthAnotherTry.has(errorClass) }
    }
  }
}

/** Another try would meet the same limit: it counts what all tries used. */
function pastLimit(errorClass: string, { reason, hint }: { readonly reason: string; readonly hint: string }): Outcome {
  return { kind: 'failed', failure: { errorClass, message: reason, hint, evidence: [] }, retryable: false }
}

/** What an aborted attempt ends as: the reason of its signal decides. */
export function outcomeOfAbort(signal: AbortSignal): Outcome {
  switch (signal.reason as StopReason) {
    case 'lost':
      return { kind: 'lost' }
    case 'cancelled':
      return { kind: 'cancelled' }
    case 'stop':
      return { kind: 'released', reason: 'the scheduler was stopped' }
    // The attempt's own clock, whose reason is the platform's TimeoutError.
    default:
      return { kind: 'released', reason: 'its time is over' }
  }
}
