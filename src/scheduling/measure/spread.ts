import type { Clock } from '../../runtime/clock.ts'

/** How long something took when it was repeated, in milliseconds. */
export interface Spread {
  readonly samples: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Percentiles by rank; all 0 for no samples. */
export function spreadOf(tookMs: readonly number[]): Spread {
  const sorted = tookMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { samples: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

export interface Repetition {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly times: number
  /** No further sample is taken after so long. */
  readonly longestMs: number
}

/** Repeats something and says how long it took; at least one sample unless the signal is aborted. */
export async function measureSpread(
  { clock, signal, times, longestMs }: Repetition,
  work: () => Promise<unknown>,
): Promise<Spread> {
  const tookMs: number[] = []
  const untilMs = clock.monotonic() + longestMs
  while (tookMs.length < times && !signal.aborted && (tookMs.length === 0 || clock.monotonic() < untilMs)) {
    const begin = clock.monotonic()
    await work()
    tookMs.push(clock.monotonic() - begin)
  }
  return spreadOf(tookMs)
}
