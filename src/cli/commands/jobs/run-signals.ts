import type { Signals } from '../../../runtime/signals.ts'
import type { SchedulerRun } from '../../../scheduling/scheduler-run.ts'

/**
 * The first stop signal drains, the second stops and gives back. Then nobody listens any more, so that the
 * third one ends the process at once, as the system does by default. Returns the way to stop listening.
 */
export function drainOnSignals(signals: Signals, run: Pick<SchedulerRun, 'drain' | 'stop'>): () => void {
  let received = 0
  const unlisten = signals.listen(() => {
    received += 1
    if (received === 1) run.drain()
    if (received < 2) return
    run.stop()
    unlisten()
  })
  return unlisten
}
