import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'

/** Which of these tables exist. */
export interface HoldingTables {
  readonly locks: boolean
  readonly reservations: boolean
}

/**
 * Whether any job runs, any lock is held or any call is in flight, whoever's it is: where not, there is nobody to
 * rescue anything from. One short question instead of the five that a rescue asks.
 */
export async function isAnythingHeld(db: Db, { locks, reservations }: HoldingTables): Promise<boolean> {
  const ask = locks ? (reservations ? askAll : askLocks) : reservations ? askReservations : askJobs
  return (await ask(db, {})).rows.length > 0
}

const running = sql`select 1 as held from jobs where state = 'running'`
const locked = sql`select 1 from job_locks`
const inFlight = sql`select 1 from reservations where settled_at is null`

const askJobs = question(running)
const askLocks = question(sql`${running} union all ${locked}`)
const askReservations = question(sql`${running} union all ${inFlight}`)
const askAll = question(sql`${running} union all ${locked} union all ${inFlight}`)

function question(parts: ReturnType<typeof sql>) {
  return hotStatement<never, unknown>((db) => sql`${parts} limit 1`.compile(db))
}
