import type { ErrorClass } from '../domain/error-class.ts'
import type { Random } from '../runtime/random.ts'

/** The longest a call waits while it holds its slot; longer waits give the slot back. */
export const longestWaitInPlaceMs = 60_000

const baseBackoffMs = 500
const longestBackoffMs = 20_000

/** How often a class is sent again to the same model before the chain goes on (reliability-security.md section 4). */
const retries: Readonly<Partial<Record<ErrorClass, number>>> = {
  rate: 4,
  overload: 2,
  server: 2,
  connect: 3,
  hang: 1,
  unknown_outcome: 1,
  empty: 2,
  truncated: 1,
}

export type Decision =
  /** The same request to the same model; `moreOutput` raises the output limit first. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly moreOutput: boolean }
  | { readonly kind: 'fall_back'; readonly to: 'model' | 'provider' | 'larger_context' }
  /** No other request could help. */
  | { readonly kind: 'stop' }

export interface FailedSend {
  readonly errorClass: ErrorClass
  /** How long the provider told us to wait. */
  readonly retryAfterMs: number | undefined
  /** Requests of this call that this model failed so far, this one included. */
  readonly failures: number
  /** Time this call may still spend waiting in place. */
  readonly patienceMs: number
}

/**
 * What follows a failed request, by its class alone. A told delay is never undercut (promise 9): where it is
 * longer than the patience left, the chain goes on and the model's cooldown keeps the promise.
 */
export function decide(failed: FailedSend, random: Random): Decision {
  switch (failed.errorClass) {
    case 'billing':
    case 'auth':
      return { kind: 'fall_back', to: 'provider' }
    case 'config':
      return { kind: 'fall_back', to: 'model' }
    case 'context':
      return { kind: 'fall_back', to: 'larger_context' }
    case 'request':
    case 'refused':
    case 'malformed':
      return { kind: 'stop' }
    case 'truncated':
      return failed.failures <= 1 ? { kind: 'retry', delayMs: 0, moreOutput: true } : { kind: 'stop' }
    case 'rate':
    case 'overload':
    case 'server':
    case 'connect':
    case 'hang':
    case 'unknown_outcome':
    case 'empty':
      return again(failed, random)
  }
}

function again(failed: FailedSend, random: Random): Decision {
  const delayMs =
    failed.retryAfterMs === undefined ? backoffMs(failed.failures, random) : toldDelayMs(failed.retryAfterMs, random)
  const allowed = retries[failed.errorClass] ?? 0
  if (failed.failures > allowed || delayMs > failed.patienceMs) return { kind: 'fall_back', to: 'model' }
  return { kind: 'retry', delayMs, moreOutput: false }
}

/** Full jitter: uniform in [0, base x 2^n), capped at 20 s (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
export function backoffMs(failures: number, random: Random): number {
  const ceiling = Math.min(longestBackoffMs, baseBackoffMs * 2 ** (failures - 1))
  return Math.round(random.next() * ceiling)
}

/** The told delay, and up to 5 % (at most 1 s) more so that callers that were told together do not return together. */
function toldDelayMs(retryAfterMs: number, random: Random): number {
  return Math.ceil(retryAfterMs + random.next() * Math.min(1000, retryAfterMs * 0.05))
}

/** Classes whose last word, once the whole chain has it, is to wait rather than to fail: the request itself is sound. */
export function waitsAfterChain(errorClass: ErrorClass): boolean {
  switch (errorClass) {
    case 'rate':
    case 'overload':
    case 'server':
    case 'connect':
    case 'billing':
    case 'auth':
    case 'config':
      return true
    case 'hang':
    case 'unknown_outcome':
    case 'request':
    case 'context':
    case 'truncated':
    case 'refused':
    case 'malformed':
    case 'empty':
      return false
  }
}

/** Whether only a person can end the wait. */
export function needsPerson(errorClass: ErrorClass): boolean {
  return errorClass === 'billing' || errorClass === 'auth' || errorClass === 'config'
}
