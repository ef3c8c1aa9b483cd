/** What attempts had begun when they ended. */
import type { Db } from '../dialect/dialect.ts'

export interface StartedErrand {
  readonly id: string
  readonly jobId: string
  readonly requestHash: string
}

/** Model calls of the current try of these jobs that are begun and not committed. */
export async function findStartedCalls(db: Db, jobIds: readonly string[]): Promise<readonly StartedErrand[]> {
  if (jobIds.length === 0) return []
  const rows = await db
    .selectFrom('errands')
    .innerJoin('jobs', (join) => join.onRef('jobs.id', '=', 'errands.job_id').onRef('jobs.try', '=', 'errands.try'))
    .select(['errands.id', 'errands.job_id', 'errands.request_hash'])
    .where('errands.job_id', 'in', jobIds)
    .where('errands.kind', '=', 'model')
    .where('errands.status', '=', 'started')
    .orderBy('errands.id')
    .execute()
  return rows.map((row) => ({ id: row.id, jobId: row.job_id, requestHash: row.request_hash }))
}

/** How an errand and its job stand, for a result of it that nobody took. */
export interface ErrandStanding {
  readonly id: string
  readonly committed: boolean
  /** Whether an attempt of the errand's try may still come, or is under way. */
  readonly resumes: boolean
}

/** The standing of each of these errands that is stored. */
export async function readErrandStandings(db: Db, ids: readonly string[]): Promise<readonly ErrandStanding[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('errands')
    .leftJoin('jobs', 'jobs.id', 'errands.job_id')
    .select(['errands.id', 'errands.status', 'errands.try', 'jobs.try as current', 'jobs.state'])
    .where('errands.id', 'in', ids)
    .execute()
  return rows.map(({ id, status, try: tryNumber, current, state }) => ({
    id,
    committed: status === 'done',
    resumes: status === 'started' && tryNumber === current && (state === 'running' || state === 'ready'),
  }))
}
