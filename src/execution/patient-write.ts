import type { CallDeps } from '../calls/call-deps.ts'
import type { DatabaseFailure } from '../database/dialect/dialect.ts'

const longestPauseMs = 5000

/** Failures that end by waiting: the database is away, or somebody holds its lock for longer than a write waits. */
const passing: ReadonlySet<DatabaseFailure> = new Set(['outage', 'contention'])

/**
 * Repeats a write while the database is away or locked, with growing pauses, until the signal is aborted; then the
 * last failure is thrown. What was paid for is in the spool meanwhile, so waiting costs nothing.
 */
export async function patientWrite<T>(
  { database, clock }: Pick<CallDeps, 'database' | 'clock'>,
  signal: AbortSignal,
  write: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = 100; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await write()
    } catch (error) {
      if (!passing.has(database.dialect.classify(error)) || signal.aborted) throw error
    }
    await clock.sleep(pauseMs, signal)
  }
}
