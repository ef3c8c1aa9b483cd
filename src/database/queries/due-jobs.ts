/**
 * Jobs that wait for a time stand outside the line: `ready_at` is null until they are due, and the claim's index
 * leaves them out, so that no claim reads them. When their time has come they join, as ready since then.
 */
import { sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { inLine } from './projects-with-work.ts'

/** In one transaction; the next claim takes the rest. */
const mostAtOnce = 1000

const due = sql`state = 'ready' and ready_at is null`

/** Whether a job may stand in line or its time has come: the one question of a scheduler that has nothing to do. */
export async function hasWork(db: Db, now: number): Promise<boolean> {
  return (await findWork(db, { now })).rows.length > 0
}

/** Whether some job's time has come. */
export async function hasDueJobs(db: Db, now: number): Promise<boolean> {
  return (await findDue(db, { now })).rows.length > 0
}

/** Lets jobs whose time has come join the line. */
export async function admitDueJobs(trx: Trx, now: number): Promise<void> {
  // Nearly always there are none, and a look costs less than an update of nothing.
  if (await hasDueJobs(trx, now)) await admit(trx, { now, most: mostAtOnce })
}

const findWork = hotStatement<'now', unknown>((db, slot) =>
  sql`
    select 1 as work from jobs where ${inLine}
    union all
    select 1 from jobs where ${due} and run_at <= ${slot('now')}
    limit 1`.compile(db),
)

const findDue = hotStatement<'now', unknown>((db, slot) =>
  sql`select 1 as due from jobs where ${due} and run_at <= ${slot('now')} limit 1`.compile(db),
)

const admit = hotStatement<'now' | 'most', never>((db, slot, adapter) =>
  sql<never>`
    update jobs set ready_at = run_at
    where id in (
      select id from jobs where ${due} and run_at <= ${slot('now')} order by run_at limit ${slot('most')}
      ${adapter.locksRows ? sql`for update skip locked` : sql``}
    )`.compile(db),
)
