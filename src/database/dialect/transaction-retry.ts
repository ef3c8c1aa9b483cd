import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { DatabaseFailure } from './dialect.ts'
import type { Patience } from './patience.ts'

export interface RetryPolicy {
  readonly clock: Clock
  readonly random: Random
  readonly patience: Patience
  readonly classify: (error: unknown) => DatabaseFailure
}

const longestPauseMs = 50

/** Repeats work while it fails by contention, with full jitter, while patience lasts; other failures pass through. */
export async function retryContention<T>(policy: RetryPolicy, work: () => Promise<T>): Promise<T> {
  const sinceMs = policy.patience.startMs()
  for (let round = 0; ; round++) {
    try {
      return await work()
    } catch (error) {
      if (policy.classify(error) !== 'contention' || policy.patience.isOver(sinceMs)) throw error
    }
    const pauseMs = Math.min(longestPauseMs, 2 ** Math.min(round, 6))
    await policy.clock.sleep(Math.ceil(policy.random.next() * pauseMs))
  }
}
