/** What a run may still do: counts by state, and the next moment something can start. */
import type { JobState } from '../../domain/job-state.ts'
import type { Db } from '../dialect/dialect.ts'
import { passingConditions, startable, type ReadinessFacts } from './readiness-conditions.ts'

export interface RunState {
  /** Jobs by state, of projects that are not cancelled. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>
  /** When the first ready job that only waits for time may start, epoch milliseconds; null where there is none. */
  readonly nextStartAt: number | null
}

/** Reads the whole scope in two statements. */
export async function readRunState(db: Db, projectSlug: string | null, facts: ReadinessFacts): Promise<RunState> {
  let counts = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select((eb) => ['jobs.state', eb.fn.countAll<number>().as('jobs')])
    .where('projects.status', '<>', 'cancelled')
    .groupBy('jobs.state')
  let next = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select((eb) => eb.fn.min('jobs.run_at').as('at'))
    .where('jobs.state', '=', 'ready')
    .where((eb) => startable(eb, facts, passingConditions))
  if (projectSlug !== null) {
    counts = counts.where('projects.slug', '=', projectSlug)
    next = next.where('projects.slug', '=', projectSlug)
  }
  const rows = await counts.execute()
  const first = await next.executeTakeFirst()
  return {
    counts: Object.fromEntries(rows.map((row) => [row.state, Number(row.jobs)])),
    nextStartAt: first?.at ?? null,
  }
}
