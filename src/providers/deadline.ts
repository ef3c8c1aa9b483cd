import type { Clock } from '../runtime/clock.ts'

/** Aborts work by the caller's signal or after a time, whichever comes first. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Whether the time ran out, as opposed to the caller's abort. */
  readonly expired: () => boolean
  /** Runs work that may ignore the signal: rejects when the signal aborts, whatever the work does. */
  race<T>(work: Promise<T>): Promise<T>
  /** Stops the timer and lets go of the caller's signal. */
  end(): void
}

/** Starts a deadline of `timeoutMs`. Always `end()` it: the caller's signal may live for hours. */
export function startDeadline(clock: Clock, timeoutMs: number, callerSignal: AbortSignal): Deadline {
  const work = new AbortController()
  const timer = new AbortController()
  let isExpired = false
  const forward = () => work.abort(callerSignal.reason)
  if (callerSignal.aborted) forward()
  callerSignal.addEventListener('abort', forward, { once: true })
  void clock.sleep(timeoutMs, timer.signal).then(() => {
    if (timer.signal.aborted || work.signal.aborted) return
    isExpired = true
    work.abort(new DOMException('The deadline passed', 'TimeoutError'))
  })
  return {
    signal: work.signal,
    expired: () => isExpired,
    race: (promise) => raceAbort(promise, work.signal),
    end: () => {
      timer.abort()
      callerSignal.removeEventListener('abort', forward)
    },
  }
}

function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
