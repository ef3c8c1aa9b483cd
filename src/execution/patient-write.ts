import type { CallDeps } from '../calls/call-deps.ts'

const longestPauseMs = 5000

/**
 * Repeats a write while the database is away, with growing pauses, until the signal is aborted; then the last
 * failure is thrown. What was paid for is in the spool meanwhile, so waiting costs nothing.
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
      if (database.dialect.classify(error) !== 'outage' || signal.aborted) throw error
    }
    await clock.sleep(pauseMs, signal)
  }
}
