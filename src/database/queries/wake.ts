/**
 * Mending what nobody is left to end: blocked jobs whose dependencies all completed become ready, and those
 * behind a dead job become skipped. In ordinary operation the end of each job does both; this catches plans
 * that changed meanwhile. A blocked job without any recorded edge stays: an emptied table of
 * dependencies must not start everything at once.
 */
import { sql } from 'kysely'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import { skipDependants } from './dependants.ts'

export interface WakeOptions {
  readonly ids: Ids
  readonly hasEventTable: boolean
}

/** Returns how many jobs became ready or skipped. Takes the write lock only when there is something to mend. */
export async function wakeStranded(database: Database, options: WakeOptions): Promise<number> {
  const [free, dead] = [await findFree(database.db), await findDeadParents(database.db)]
  if (free.length === 0 && dead.length === 0) return 0
  return database.write(async (trx) => {
    const now = await database.dialect.now(trx)
    const ready = await findFree(trx)
    if (ready.length > 0) {
      await trx
        .updateTable('jobs')
        .set({ state: 'ready', blocked_by: 0, ready_at: now, updated_at: now })
        .where('id', 'in', ready)
        .where('state', '=', 'blocked')
        .execute()
    }
    let skipped = 0
    for (const parent of await findDeadParents(trx)) {
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

/** At most this many at once; the next pass takes the rest. */
const batch = 500

async function findFree(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .select('jobs.id')
    .where('jobs.state', '=', 'blocked')
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('job_dependencies')
          .select(sql.lit(1).as('one'))
          .whereRef('job_dependencies.job_id', '=', 'jobs.id'),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('job_dependencies')
            .leftJoin('jobs as parents', 'parents.id', 'job_dependencies.depends_on_id')
            .select(sql.lit(1).as('one'))
            .whereRef('job_dependencies.job_id', '=', 'jobs.id')
            .where((parent) =>
              parent.or([parent('parents.id', 'is', null), parent('parents.state', '<>', 'completed')]),
            ),
        ),
      ),
    )
    .orderBy('jobs.id')
    .limit(batch)
    .execute()
  return rows.map((row) => row.id)
}

async function findDeadParents(db: Db): Promise<{ readonly id: string; readonly cause: string }[]> {
  const rows = await db
    .selectFrom('jobs as parents')
    .innerJoin('job_dependencies', 'job_dependencies.depends_on_id', 'parents.id')
    .innerJoin('jobs', 'jobs.id', 'job_dependencies.job_id')
    .select(['parents.id', 'parents.skipped_because'])
    .distinct()
    .where('parents.state', 'in', ['failed', 'cancelled', 'skipped'])
    .where('jobs.state', '=', 'blocked')
    .orderBy('parents.id')
    .limit(batch)
    .execute()
  return rows.map((row) => ({ id: row.id, cause: row.skipped_because ?? row.id }))
}
