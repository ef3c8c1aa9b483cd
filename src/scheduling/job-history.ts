/** What happened to a job or a project, in order, and what is still happening. */
import { listEvents, type EventFilter, type JobEvent } from '../database/repositories/event-repository.ts'
import type { JobsDeps } from './jobs-deps.ts'

const pollMs = 500
/** Another process may commit an event that is older than the newest one seen, by its clock or its transaction. */
const overlapMs = 10_000

/** Events of the scope, oldest first. */
export async function readHistory(deps: JobsDeps, filter: EventFilter): Promise<readonly JobEvent[]> {
  return listEvents(deps.database.db, filter)
}

/** Calls `onEvent` for each event after those already seen, until the signal is aborted or `isOver` says so. */
export async function followHistory(
  deps: JobsDeps,
  seen: readonly JobEvent[],
  following: {
    readonly filter: EventFilter
    readonly signal: AbortSignal
    readonly onEvent: (event: JobEvent) => void
    /** Asked after each look; what is committed before it says yes is still reported. */
    readonly isOver: () => Promise<boolean>
  },
): Promise<void> {
  const known = new Set(seen.map((event) => event.id))
  let newest = seen.at(-1)?.createdAt ?? 0
  for (;;) {
    // Asked before the look, so that the look sees everything that led to the end.
    const over = await following.isOver()
    const filter = { ...following.filter, since: newest - overlapMs }
    for (const event of await listEvents(deps.database.db, filter)) {
      if (known.has(event.id)) continue
      known.add(event.id)
      newest = Math.max(newest, event.createdAt)
      following.onEvent(event)
    }
    if (over || following.signal.aborted) return
    await deps.clock.sleep(pollMs, following.signal)
  }
}
