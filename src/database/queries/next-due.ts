import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'

/**
 * When the next ready job becomes due that is not yet, epoch milliseconds, or null where none waits for time.
 * Whatever else may keep it waiting is not asked: waking for nothing costs one look.
 */
export async function nextDueAt(db: Db, nowMs: number): Promise<number | null> {
  const { rows } = await findNext(db, { now: nowMs })
  return rows[0]?.run_at ?? null
}

// In the order of the index of jobs that wait for their time, so that it reads one entry, however many wait.
const findNext = hotStatement<'now', { readonly run_at: number }>((db, slot) =>
  sql<{ readonly run_at: number }>`
    select run_at from jobs
    where state = 'ready' and ready_at is null and run_at > ${slot('now')}
    order by run_at limit 1`.compile(db),
)
