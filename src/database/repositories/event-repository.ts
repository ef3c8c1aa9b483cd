import { sql } from 'kysely'
import type { Ids } from '../../runtime/ids.ts'
import type { Db } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { lateAnswer } from '../dialect/late-answer.ts'
import { fromJson, toJson } from '../json.ts'

/** One line of a job's history. `data` is plain JSON. */
export interface JobEvent {
  readonly id: string
  readonly projectId: string
  readonly jobId: string | null
  readonly attempt: number | null
  readonly kind: string
  readonly data: Readonly<Record<string, unknown>>
  /** Epoch milliseconds, by the database's clock. */
  readonly createdAt: number
}

export type NewJobEvent = Omit<JobEvent, 'id' | 'createdAt'>

/** Appends to the history. Give it a transaction where the event belongs to a change. */
export async function appendEvents(
  db: Db,
  events: readonly NewJobEvent[],
  stamp: { readonly ids: Ids; readonly at: number },
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ projectId, jobId, attempt, kind, data }) => {
    return { id: stamp.ids.next(), projectId, jobId, attempt, kind, data: toJson(data) }
  })
  await insertGiven(db, { given: rows, at: stamp.at })
}

const givenColumns = {
  id: 'text',
  projectId: 'text',
  jobId: 'text',
  attempt: 'integer',
  kind: 'text',
  data: 'text',
} as const

const insertGiven = hotStatement<'given' | 'at', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
    insert into job_events (id, project_id, job_id, attempt, kind, data, created_at)
    select id, "projectId", "jobId", attempt, kind, data, ${slot('at')}
    from ${adapter.givenRows(slot('given'), givenColumns)}`.compile(db),
  ),
)

export interface EventFilter {
  readonly projectId?: string
  readonly jobId?: string
  /** Only events at or after this time, epoch milliseconds. */
  readonly since?: number
  /** The newest ones, oldest first; all without it. */
  readonly limit?: number
}

/** Events in the order they were written. */
export async function listEvents(db: Db, filter: EventFilter): Promise<JobEvent[]> {
  let query = db.selectFrom('job_events').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc')
  if (filter.projectId !== undefined) query = query.where('project_id', '=', filter.projectId)
  if (filter.jobId !== undefined) query = query.where('job_id', '=', filter.jobId)
  if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since)
  if (filter.limit !== undefined) query = query.limit(filter.limit)
  const rows = await query.execute()
  return rows.toReversed().map((row) => ({
    id: row.id,
    projectId: row.project_id,
    jobId: row.job_id,
    attempt: row.attempt,
    kind: row.kind,
    data: fromJson<Record<string, unknown>>(row.data),
    createdAt: row.created_at,
  }))
}
