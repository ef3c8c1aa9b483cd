import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { DatabaseFailure } from './dialect.ts'

export interface RetryPolicy {
  readonly clock: Clock
  readonly random: Random
  readonly classify: (error: unknown) => DatabaseFailure
}

const deadlineMs = 30_000
const longestPauseMs = 50

/** Repeats work while it fails by contention, with full jitter, for up to 30 s; other failures pass through. */
export async function retryContention<T>(policy: RetryPolicy, work: () => Promise<T>): Promise<T> {
  const giveUpAt = policy.clock.monotonic() + deadlineMs
  for (let round = 0; ; round++) {
    try {
      return await work()
    } catch (error) {
      if (policy.classify(error) !== 'contention' || policy.clock.monotonic() > giveUpAt) throw error
    }
    const pauseMs = Math.min(longestPauseMs, 2 ** Math.min(round, 6))
    await policy.clock.sleep(Math.ceil(policy.random.next() * pauseMs))
  }
}
