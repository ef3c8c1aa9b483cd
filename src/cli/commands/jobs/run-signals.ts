import type { Signals } from '../../../runtime/signals.ts'
import type { SchedulerRun } from '../../../scheduling/scheduler-run.ts'

/**
 * The first stop signal drains, the second stops and gives back; the third ends the process, whoever listens.
 * Returns the way to stop listening.
 */
export function drainOnSignals(signals: Signals, run: Pick<SchedulerRun, 'drain' | 'stop'>): () => void {
  let received = 0
  return signals.listen(() => {
    received += 1
    if (received === 1) run.drain()
    if (received === 2) run.stop()
  })
}
