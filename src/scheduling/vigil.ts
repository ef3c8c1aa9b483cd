import type { Clock } from '../runtime/clock.ts'

/** Shorter silences are the ordinary pace of a scheduler. */
const shortestGapMs = 5000

/**
 * Whether a scheduler has watched long enough to judge others by their leases alone. Whoever slept, or was without
 * the database, sees leases that ran out while nobody could renew them: all of them, the living schedulers' too. So
 * after a gap everybody gets one whole lease time to renew.
 *
 * Three clocks tell of a gap: monotonic time of a process that was frozen, wall time of a machine that slept (its
 * monotonic time stands still meanwhile), and the database's own, which the leases are judged by.
 */
export class Vigil {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #leaseMs: number
  #broken = false
  #judgesFromMs = Number.NEGATIVE_INFINITY
  readonly #last = { monotonicMs: Number.NaN, wallMs: Number.NaN, databaseMs: Number.NaN }

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  /** The database could not be asked: everybody was without it, perhaps. */
  interrupt(): void {
    this.#broken = true
  }

  /** Call at the start of every pass. True after a gap: then one's own leases come first. */
  watch(): boolean {
    const gap = this.#note('monotonicMs', this.#clock.monotonic())
    return this.#note('wallMs', this.#clock.now()) || gap
  }

  /** Call with every reading of the database's clock. True where it jumped. */
  watchDatabase(nowMs: number): boolean {
    if (this.#broken) this.#start()
    return this.#note('databaseMs', nowMs)
  }

  /** Whether a lease that ran out means that its owner is gone. */
  get judgesLeases(): boolean {
    return !this.#broken && this.#clock.monotonic() >= this.#judgesFromMs
  }

  #note(clock: 'monotonicMs' | 'wallMs' | 'databaseMs', nowMs: number): boolean {
    const gap = nowMs - this.#last[clock] > Math.max(shortestGapMs, this.#leaseMs / 2)
    this.#last[clock] = nowMs
    if (gap) this.#start()
    return gap
  }

  #start(): void {
    this.#broken = false
    this.#judgesFromMs = this.#clock.monotonic() + this.#leaseMs
  }
}
