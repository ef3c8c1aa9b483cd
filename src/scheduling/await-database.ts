import { outageOfOpening, outageTexts, type OutageCause } from '../database/dialect/outage-cause.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { SchedulerEvent } from './scheduler-types.ts'
import { requiredTables } from './table-watch.ts'

const lookForFileEveryMs = 2000
const longestPauseMs = 1500
const shortestPauseMs = 100

export interface AwaitDatabase {
  readonly clock: Clock
  readonly random: Random
  readonly notify: (event: SchedulerEvent) => void
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Whether a file has to be there first, and is. */
  readonly exists: () => Promise<boolean>
  /** After so long the last failure is thrown; null waits for ever. */
  readonly maxWaitMs: number | null
}

/**
 * Opens and prepares what a run needs, and waits for a database that is not there yet: each cause is said once.
 * Null when the signal ended the waiting. Throws what no waiting mends, and the outage that outlasts `maxWaitMs`.
 */
export async function awaitDatabase<T>(waiting: AwaitDatabase, prepare: () => Promise<T>): Promise<T | null> {
  const { clock, random, notify, signal } = waiting
  if (!(await fileAppears(waiting))) return null
  const sinceMs = clock.monotonic()
  const said = new Set<OutageCause>()
  for (let round = 0; ; round += 1) {
    try {
      const prepared = await unlessAborted(signal, prepare())
      if (said.size > 0 && prepared !== null) notify({ kind: 'recovered' })
      return prepared
    } catch (error) {
      // The file may have gone between the look and the opening.
      if (waiting.maxWaitMs === null && !(await waiting.exists())) {
        if (await fileAppears(waiting)) continue
        return null
      }
      const cause = outageOfOpening(error)
      const late = waiting.maxWaitMs !== null && clock.monotonic() - sinceMs >= waiting.maxWaitMs
      if (cause === null || late) throw error
      if (!said.has(cause)) notify({ kind: 'outage', cause, message: `${outageTexts[cause]}: ${errorMessage(error)}` })
      said.add(cause)
    }
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(round, 10))
    await clock.sleep(pauseMs * (0.5 + random.next() / 2), signal)
    if (signal.aborted) return null
  }
}

/** Waits for a missing file as for missing tables: one cheap look every 2 s. With a limit nothing is waited for. */
async function fileAppears({ clock, notify, signal, exists, maxWaitMs }: AwaitDatabase): Promise<boolean> {
  if (maxWaitMs !== null || (await exists())) return true
  notify({ kind: 'tables_missing', tables: requiredTables })
  while (!signal.aborted && !(await exists())) await clock.sleep(lookForFileEveryMs, signal)
  return !signal.aborted
}

/** The result, or null as soon as the signal is aborted: an address that never answers must not hold up a stop. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
