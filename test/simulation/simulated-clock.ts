import type { Clock } from '../../src/runtime/clock.ts'
import type { Ids } from '../../src/runtime/ids.ts'

/** Monday, 2 November 2026, 09:00 UTC. */
const startMs = 1_793_610_000_000

/**
 * Time that moves only by `pass` and by whoever sleeps. The wall clock can also jump, as it does when somebody
 * sets it or a laptop wakes up; the monotonic one never does.
 */
export class SimulatedClock implements Clock {
  #wallMs = startMs
  #monotonicMs = 0

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  /** Nobody waits for real: a sleep moves the clock itself. */
  async sleep(delayMs: number): Promise<void> {
    this.pass(delayMs)
    await drain()
  }

  pass(durationMs: number): void {
    this.#wallMs += durationMs
    this.#monotonicMs += durationMs
  }

  jump(byMs: number): void {
    this.#wallMs += byMs
  }
}

/** Ids in the form of a UUIDv7 that count from 1: equal runs make equal ids, and ids sort by creation. */
export function countingIds(): Ids {
  let count = 0
  return { next: () => `00000000-0000-7000-8000-${(count += 1).toString(16).padStart(12, '0')}` }
}

/** Lets every promise callback that is due run. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
