import type { AttemptEnd } from '../domain/attempt-end.ts'
import type { Outcome } from '../execution/attempt.ts'
import type { Random } from '../runtime/random.ts'

export interface RetryPolicy {
  readonly baseMs: number
  readonly longestMs: number
}

export const defaultRetryPolicy: RetryPolicy = { baseMs: 2000, longestMs: 5 * 60_000 }

/** Full jitter: uniform between 0 and base * 2^(try - 1), capped (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
export function backoffMs(tryNumber: number, random: Random, policy: RetryPolicy = defaultRetryPolicy): number {
  const ceiling = Math.min(policy.longestMs, policy.baseMs * 2 ** Math.min(30, Math.max(0, tryNumber - 1)))
  return Math.round(random.next() * ceiling)
}

export interface TransitionContext {
  readonly try: number
  readonly maxTries: number
  readonly random: Random
  readonly policy?: RetryPolicy
  /** Released because a person stopped the scheduler: no interruption of the job's making. */
  readonly stopped: boolean
}

const nothing = {
  nextTry: false,
  again: null,
  waitsFor: null,
  interruption: false,
  result: null,
  failure: null,
  evidence: [],
  rehearsed: false,
  reason: null,
} as const

/** The outcome table of DESIGN section 3. Null for `lost`: the job belongs to somebody else, nothing changes. */
export function decideEnd(outcome: Outcome, context: TransitionContext): AttemptEnd | null {
  switch (outcome.kind) {
    case 'completed': {
      const { result, evidence, rehearsed } = outcome
      return { ...nothing, outcome: 'completed', state: 'completed', result, evidence, rehearsed }
    }
    case 'failed':
      return decideFailure(outcome, context)
    case 'wait': {
      const { waitsFor, untilMs, reason } = outcome
      return { ...nothing, outcome: 'wait', state: 'ready', waitsFor, again: { untilMs }, reason }
    }
    case 'released': {
      const interruption = !context.stopped && outcome.outage !== true
      const { reason } = outcome
      return {
        ...nothing,
        outcome: 'released',
        state: 'ready',
        again: { delayMs: 0 },
        interruption,
        reason,
      }
    }
    case 'cancelled':
      return { ...nothing, outcome: 'cancelled', state: 'cancelled' }
    case 'lost':
      return null
  }
}

function decideFailure(outcome: Outcome & { kind: 'failed' }, context: TransitionContext): AttemptEnd {
  const { failure } = outcome
  const failed = { ...nothing, outcome: 'failed', failure, evidence: failure.evidence } as const
  if (!outcome.retryable || context.try >= context.maxTries) return { ...failed, state: 'failed' }
  const again = { delayMs: backoffMs(context.try, context.random, context.policy) }
  return { ...failed, state: 'ready', nextTry: true, again }
}
