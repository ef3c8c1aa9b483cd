import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'

/**
 * When the next ready job becomes due that is not yet, epoch milliseconds, or null where none waits for time.
 * Whatever else may keep it waiting is not asked: waking for nothing costs one look.
 */
export async function nextDueAt(db: Db, nowMs: number): Promise<number | null> {
  const row = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.min<number | null>('run_at').as('at'))
    // A literal, so that SQLite can use the partial index.
    .where('state', '=', sql.lit('ready'))
    .where('run_at', '>', nowMs)
    .executeTakeFirst()
  return row?.at ?? null
}
