import type { SearchPace } from '../database/queries/claim.ts'
import type { Clock } from '../runtime/clock.ts'

/** A look that found nothing is repeated after this: what stands behind a saturated key waits no longer. */
const shortestRestMs = 250
/** At most a tenth of the time is spent looking, however long the line. */
const restPerLook = 9

/** Keeps looks behind thousands of heads from taking all of a scheduler's time. */
export class LookPace implements SearchPace {
  readonly #clock: Pick<Clock, 'monotonic'>
  #nextAt = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  mayLook(): boolean {
    return this.#clock.monotonic() >= this.#nextAt
  }

  begin(): (found: number) => void {
    const beganAt = this.#clock.monotonic()
    return (found) => {
      const now = this.#clock.monotonic()
      const restMs = restPerLook * (now - beganAt)
      this.#nextAt = now + (found > 0 ? restMs : Math.max(shortestRestMs, restMs))
    }
  }
}
