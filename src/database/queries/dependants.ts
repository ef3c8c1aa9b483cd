/** What the end of a job does to the jobs behind it. */
import { sql } from 'kysely'
import type { Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'

export interface ChangedDependant {
  readonly id: string
  readonly projectId: string
}

/**
 * Counts completed jobs off their dependants and makes those with none left ready; says for each completed job
 * which ones it made ready, the last of several in the order given. A relative decrement, because two
 * parents that finish at once in two transactions each see the other as still running; rows are locked in
 * the order of ids, so that two such transactions cannot wait for each other.
 */
export async function releaseDependants(
  trx: Trx,
  completedIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (completedIds.length === 0) return new Map()
  const edges = await findWaiting(trx, { given: completedIds.map((parent, place) => ({ parent, place })) })
  if (edges.rows.length === 0) return new Map()
  const byChild = new Map<string, { child: string; done: number; last: string; place: number }>()
  for (const { child, parent, place } of edges.rows) {
    const known = byChild.get(child)
    if (known === undefined) byChild.set(child, { child, done: 1, last: parent, place })
    else {
      known.done += 1
      if (place > known.place) Object.assign(known, { last: parent, place })
    }
  }
  const counts = [...byChild.values()].map(({ child, done }) => ({ child, done }))
  const { rows } = await countDown(trx, { given: counts, now })
  const released = new Map<string, string[]>()
  for (const { id, state } of rows) {
    const last = byChild.get(id)?.last
    if (state !== 'ready' || last === undefined) continue
    const others = released.get(last)
    if (others === undefined) released.set(last, [id])
    else others.push(id)
  }
  return released
}

interface WaitingEdge {
  readonly child: string
  readonly parent: string
  readonly place: number
}

const findWaiting = hotStatement<'given', WaitingEdge>((db, slot, adapter) =>
  sql<WaitingEdge>`
    select jobs.id as child, given.parent as parent, given.place as place
    from ${adapter.givenRows(slot('given'), { parent: 'text', place: 'integer' })}
    ${adapter.lookUp('job_dependencies', { column: 'depends_on_id', given: 'parent' })}
    join jobs on jobs.id = found.job_id
    where jobs.state = 'blocked'
    order by jobs.id
    ${adapter.locksRows ? sql`for update of jobs` : sql``}`.compile(db),
)

// Not due before its time: such a job stands in line from then on (`ready_at` null, see claim-candidates).
const countDown = hotStatement<'given' | 'now', { readonly id: string; readonly state: string }>((db, slot, adapter) =>
  sql<{ readonly id: string; readonly state: string }>`
      update jobs
      set blocked_by = blocked_by - given.done,
        state = case when blocked_by <= given.done then 'ready' else 'blocked' end,
        ready_at = case
          when blocked_by > given.done then ready_at
          when run_at <= ${slot('now')} then ${slot('now')}
        end,
        updated_at = ${slot('now')}
      from ${adapter.givenRows(slot('given'), { child: 'text', done: 'integer' })}
      where jobs.id = given.child and jobs.state = 'blocked'
      returning id, state`.compile(db),
)

/**
 * Makes everything behind a dead job skipped, through all generations, naming that job as the cause. It goes on
 * behind what it skips only: a job that runs or completed, because a changed plan put the dead one before it later,
 * decides itself what becomes of those behind it. So the order of ends that come together decides nothing.
 */
export async function skipDependants(
  trx: Trx,
  deadId: string,
  { now, cause = deadId }: { readonly now: number; readonly cause?: string },
): Promise<ChangedDependant[]> {
  // Looked up job by job: a join would let an engine that knows little of the table read it whole, once per generation.
  const isBlocked = sql<boolean>`(select jobs.state from jobs where jobs.id = job_dependencies.job_id) = 'blocked'`
  const rows = await trx
    .withRecursive('behind', (db) =>
      db
        .selectFrom('job_dependencies')
        .select('job_dependencies.job_id as id')
        .where('depends_on_id', '=', deadId)
        .where(isBlocked)
        .union((union) =>
          union
            .selectFrom('job_dependencies')
            .innerJoin('behind', 'behind.id', 'job_dependencies.depends_on_id')
            .select('job_dependencies.job_id as id')
            .where(isBlocked),
        ),
    )
    .updateTable('jobs')
    .set({ state: 'skipped', skipped_because: cause, finished_at: now, updated_at: now })
    .where('state', '=', 'blocked')
    .where('id', 'in', (eb) => eb.selectFrom('behind').select('behind.id'))
    .returning(['id', 'project_id'])
    .execute()
  return rows.map((row) => ({ id: row.id, projectId: row.project_id }))
}
