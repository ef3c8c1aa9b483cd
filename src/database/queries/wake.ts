/**
 * Mending what nobody is left to end: blocked jobs whose dependencies all completed become ready, and those
 * behind a dead job become skipped. In ordinary operation the end of each job does both; this catches plans
 * that changed meanwhile. A blocked job without any recorded edge stays: an emptied table of
 * dependencies must not start everything at once.
 */
import { sql } from 'kysely'
import type { JobState } from '../../domain/job-state.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import { skipDependants } from './dependants.ts'

export interface WakeOptions {
  readonly ids: Ids
  readonly hasEventTable: boolean
  /** Where the last look ended; null begins anew. */
  readonly after: string | null
}

export interface Woken {
  /** Jobs that became ready or skipped. */
  readonly jobs: number
  /** Where the next look goes on; null when every job has been looked at. */
  readonly next: string | null
}

/** Jobs looked at in one go: thousands more would keep a thread that waits for the engine for too long. */
const pageSize = 2000
/** At most this many are mended at once; the next look takes the rest. */
const batch = 500

/** Looks at one page of jobs, in the order of their ids. Takes the write lock only when there is something to mend. */
export async function wakeStranded(database: Database, options: WakeOptions): Promise<Woken> {
  const page = await readPage(database.db, options.after ?? '')
  const next = page.length < pageSize ? null : (page.at(-1)?.id ?? null)
  const [from, to] = [page[0]?.id, page.at(-1)?.id]
  if (from === undefined || to === undefined || !page.some(({ state }) => state === 'blocked')) return { jobs: 0, next }
  const range = { from, to }
  const found = (await findFree(database.db, range)).length + (await findDeadParents(database.db, range)).length
  return { jobs: found === 0 ? 0 : await mend(database, range, options), next }
}

interface Range {
  readonly from: string
  readonly to: string
}

function mend(database: Database, range: Range, options: WakeOptions): Promise<number> {
  return database.write(async (trx) => {
    const now = await database.dialect.now(trx)
    const ready = await findFree(trx, range)
    if (ready.length > 0) {
      await trx
        .updateTable('jobs')
        .set({ state: 'ready', blocked_by: 0, ready_at: now, updated_at: now })
        .where('id', 'in', ready)
        .where('state', '=', 'blocked')
        .execute()
    }
    let skipped = 0
    for (const parent of await findDeadParents(trx, range)) {
      const jobs = await skipDependants(trx, parent.id, { now, cause: parent.cause })
      skipped += jobs.length
      const events = jobs.map((job) => ({
        projectId: job.projectId,
        jobId: job.id,
        attempt: null,
        kind: 'skipped',
        data: { because: parent.cause },
      }))
      if (options.hasEventTable) await appendEvents(trx, events, { ids: options.ids, at: now })
    }
    return ready.length + skipped
  })
}

function readPage(db: Db, after: string): Promise<{ readonly id: string; readonly state: JobState }[]> {
  return db.selectFrom('jobs').select(['id', 'state']).where('id', '>', after).orderBy('id').limit(pageSize).execute()
}

// Looked up row by row in both: a join would let an engine that knows little of the tables read them whole.

async function findFree(db: Db, { from, to }: Range): Promise<string[]> {
  const { rows } = await sql<{ readonly id: string }>`
    select jobs.id from jobs
    where jobs.id >= ${from} and jobs.id <= ${to} and jobs.state = 'blocked'
      and (select 1 from job_dependencies as edges where edges.job_id = jobs.id limit 1) is not null
      and (
        select 1 from job_dependencies as edges
        where edges.job_id = jobs.id
          and coalesce((select parents.state from jobs as parents where parents.id = edges.depends_on_id), '') <> 'completed'
        limit 1
      ) is null
    order by jobs.id limit ${sql.lit(batch)}`.execute(db)
  return rows.map(({ id }) => id)
}

async function findDeadParents(
  db: Db,
  { from, to }: Range,
): Promise<{ readonly id: string; readonly cause: string }[]> {
  const { rows } = await sql<{ readonly id: string; readonly cause: string }>`
    select edges.id, coalesce((select skipped_because from jobs where jobs.id = edges.id), edges.id) as cause
    from (
      select distinct depends_on_id as id from job_dependencies
      where job_id >= ${from} and job_id <= ${to}
        and (select state from jobs where jobs.id = job_id) = 'blocked'
        and (select state from jobs where jobs.id = depends_on_id) in ('failed', 'cancelled', 'skipped')
      order by depends_on_id limit ${sql.lit(batch)}
    ) as edges
    order by edges.id`.execute(db)
  return [...rows]
}
