import { sql } from 'kysely'
import type { Database } from '../../src/database/connection.ts'
import type { AttemptOutcome, JobHold, JobState } from '../../src/domain/job-state.ts'

export interface SeenJob {
  readonly id: string
  readonly key: string
  readonly state: JobState
  readonly hold: JobHold | null
  readonly attempt: number
  readonly try: number
  readonly interruptions: number
  readonly run_at: number
  readonly blocked_by: number
  readonly skipped_because: string | null
  readonly lease_owner: string | null
  readonly lease_expires_at: number | null
}

export interface SeenAttempt {
  readonly job_id: string
  readonly number: number
  readonly scheduler_id: string
  readonly ended_at: number | null
  readonly outcome: AttemptOutcome | null
}

export interface SeenLock {
  readonly name: string
  readonly mode: string
  readonly job_id: string
}

/** The rows that a scheduler is judged by. */
export interface Snapshot {
  readonly jobs: readonly SeenJob[]
  readonly attempts: readonly SeenAttempt[]
  readonly locks: readonly SeenLock[]
}

const columns = [
  'id',
  'key',
  'state',
  'hold',
  'attempt',
  'try',
  'interruptions',
  'run_at',
  'blocked_by',
  'skipped_because',
  'lease_owner',
  'lease_expires_at',
] as const

export async function readSnapshot({ db }: Database, hasLocks: boolean): Promise<Snapshot> {
  const jobs = await db.selectFrom('jobs').select(columns).orderBy('id').execute()
  const attempts = await db
    .selectFrom('attempts')
    .select(['job_id', 'number', 'scheduler_id', 'ended_at', 'outcome'])
    .orderBy('job_id')
    .orderBy('number')
    .execute()
  const locks = hasLocks ? await db.selectFrom('job_locks').select(['name', 'mode', 'job_id']).execute() : []
  return { jobs, attempts, locks }
}

/** Tables that a simulation writes to; those that may be away meanwhile last. */
export const droppableTables = ['job_events', 'job_locks', 'scheduler_instances', 'reservations'] as const
export type DroppableTable = (typeof droppableTables)[number]

/** Empties the database for the next simulation, which is far cheaper than migrating another one. */
export async function clear({ db }: Database): Promise<void> {
  const tables = ['projects', 'jobs', 'job_dependencies', 'attempts', 'errands', 'tasks', ...droppableTables]
  for (const table of tables) await sql`delete from ${sql.table(table)}`.execute(db)
}

/** A table that was never created and one that was dropped look the same: empty it, then move it out of sight. */
export async function dropTable({ db }: Database, table: DroppableTable): Promise<void> {
  await sql`delete from ${sql.table(table)}`.execute(db)
  await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_away`)}`.execute(db)
}

export async function createTable({ db }: Database, table: DroppableTable): Promise<void> {
  await sql`alter table ${sql.table(`${table}_away`)} rename to ${sql.table(table)}`.execute(db)
}
