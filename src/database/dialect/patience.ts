import type { Clock } from '../../runtime/clock.ts'

/** How long a lock or a server that does not answer is waited for. */
const usualMs = 30_000
/** The same once somebody is in a hurry: enough for a lock of others, too short to be felt as hanging. */
const hurriedMs = 1000

/** How long one open database waits. A process that was told to stop hurries it, for what waits already too. */
export class Patience {
  readonly #clock: Pick<Clock, 'monotonic'>
  #hurriedAtMs: number | null = null

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** From now on nothing waits longer than about a second. */
  hurry(): void {
    this.#hurriedAtMs ??= this.#clock.monotonic()
  }

  /** For whoever begins to wait: pass it to `isOver`. */
  startMs(): number {
    return this.#clock.monotonic()
  }

  /** Whether what began to wait at that time (monotonic milliseconds) has waited enough. */
  isOver(sinceMs: number, mostMs: number = usualMs): boolean {
    const nowMs = this.#clock.monotonic()
    const hurriedAtMs = this.#hurriedAtMs
    if (hurriedAtMs !== null && nowMs - Math.max(sinceMs, hurriedAtMs) >= hurriedMs) return true
    return nowMs - sinceMs >= mostMs
  }
}
