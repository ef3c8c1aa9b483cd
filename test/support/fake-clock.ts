import type { Clock } from '../../src/runtime/clock.ts'

interface Sleeper {
  readonly wakeAt: number
  readonly wake: () => void
}

/** Monday, 2 November 2026, 09:00 UTC. */
const defaultStartMs = 1_793_610_000_000

/**
 * A clock that moves only when told. `sleep` waits for `advance`; with `instant`, a sleep moves the clock
 * itself and returns, for code whose waiting is not the point of the test.
 */
export class FakeClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  readonly #instant: boolean
  #sleepers: Sleeper[] = []
  /** Every delay that was asked for, in order. */
  readonly sleeps: number[] = []

  constructor(options: { readonly startMs?: number; readonly instant?: boolean } = {}) {
    this.#startMs = options.startMs ?? defaultStartMs
    this.#nowMs = this.#startMs
    this.#instant = options.instant ?? false
  }

  /** How many sleeps are waiting for `advance`. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(delayMs)
    if (signal?.aborted) return Promise.resolve()
    if (this.#instant) {
      this.#nowMs += delayMs
      return settle()
    }
    return new Promise((resolve) => {
      const sleeper = { wakeAt: this.#nowMs + delayMs, wake: done }
      const forget = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        done()
      }
      function done() {
        signal?.removeEventListener('abort', forget)
        resolve()
      }
      signal?.addEventListener('abort', forget, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  /** Moves time forward, waking each sleeper at its own moment and letting what it wakes run. */
  async advance(durationMs: number): Promise<void> {
    const target = this.#nowMs + durationMs
    await settle()
    for (let next = this.#nextBefore(target); next !== undefined; next = this.#nextBefore(target)) {
      const woken = next
      this.#sleepers = this.#sleepers.filter((other) => other !== woken)
      this.#nowMs = Math.max(this.#nowMs, woken.wakeAt)
      woken.wake()
      await settle()
    }
    this.#nowMs = target
    await settle()
  }

  #nextBefore(target: number): Sleeper | undefined {
    return this.#sleepers.filter((sleeper) => sleeper.wakeAt <= target).toSorted((a, b) => a.wakeAt - b.wakeAt)[0]
  }
}

/** Lets promise callbacks that are due run before time goes on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
