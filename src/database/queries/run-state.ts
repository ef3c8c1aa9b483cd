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
  let next = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select((eb) => eb.fn.min('jobs.run_at').as('at'))
    .where('jobs.state', '=', 'ready')
    .where((eb) => startable(eb, facts, passingConditions))
  if (projectSlug !== null) next = next.where('projects.slug', '=', projectSlug)
  const counts = await countJobStates(db, projectSlug)
  const first = await next.executeTakeFirst()
  return { counts, nextStartAt: first?.at ?? null }
}

/** Jobs by state, of projects that are not cancelled. */
export async function countJobStates(db: Db, projectSlug: string | null): Promise<RunState['counts']> {
  let query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select((eb) => ['jobs.state', eb.fn.countAll<number>().as('jobs')])
    .where('projects.status', '<>', 'cancelled')
    .groupBy('jobs.state')
  if (projectSlug !== null) query = query.where('projects.slug', '=', projectSlug)
  const rows = await query.execute()
  return Object.fromEntries(rows.map((row) => [row.state, Number(row.jobs)]))
}
