/** Keeping leases: one statement for everything a scheduler holds. */
import type { JobState } from '../../domain/job-state.ts'
import type { Database } from '../connection.ts'
import type { Db } from '../dialect/dialect.ts'
import type { AttemptKey } from './fence.ts'

/**
 * Renews the leases of attempts that are still this scheduler's and running; returns those. Whatever is
 * missing from the answer was cancelled or lost: its work must stop.
 */
export async function renewLeases(
  db: Db,
  held: readonly AttemptKey[],
  lease: { readonly schedulerId: string; readonly expiresAt: number },
): Promise<AttemptKey[]> {
  if (held.length === 0) return []
  const rows = await db
    .updateTable('jobs')
    .set({ lease_expires_at: lease.expiresAt })
    .where('state', '=', 'running')
    .where('lease_owner', '=', lease.schedulerId)
    .where((eb) => eb.or(held.map((key) => eb.and([eb('id', '=', key.jobId), eb('attempt', '=', key.attempt)]))))
    .returning(['id', 'attempt'])
    .execute()
  return rows.map((row) => ({ jobId: row.id, attempt: row.attempt }))
}

/** How an attempt that a scheduler holds stands in the database. */
export interface Standing extends AttemptKey {
  readonly state: JobState
  readonly projectCancelled: boolean
}

/** One read for all held jobs: the current attempt, its state, and whether its project was cancelled. */
export async function readStandings(db: Db, jobIds: readonly string[]): Promise<Standing[]> {
  if (jobIds.length === 0) return []
  const rows = await db
    .selectFrom('jobs')
    .leftJoin('projects', 'projects.id', 'jobs.project_id')
    .select(['jobs.id', 'jobs.attempt', 'jobs.state', 'projects.status'])
    .where('jobs.id', 'in', jobIds)
    .execute()
  return rows.map((row) => ({
    jobId: row.id,
    attempt: row.attempt,
    state: row.state,
    projectCancelled: row.status === 'cancelled',
  }))
}

/** Leases that could not be renewed, and how their jobs stand. */
export interface Refusal {
  readonly keys: readonly AttemptKey[]
  readonly standings: readonly Standing[]
}

/** Renews what a scheduler holds by the database's clock, and says what was refused: cancelled, ended or lost. */
export async function renewHeld(
  database: Database,
  held: readonly AttemptKey[],
  by: { readonly schedulerId: string; readonly leaseMs: number },
): Promise<Refusal> {
  if (held.length === 0) return { keys: [], standings: [] }
  const lease = { schedulerId: by.schedulerId, expiresAt: (await database.now()) + by.leaseMs }
  const kept = new Set((await renewLeases(database.db, held, lease)).map(nameOf))
  const keys = held.filter((key) => !kept.has(nameOf(key)))
  const jobIds = keys.map((key) => key.jobId)
  return { keys, standings: await readStandings(database.db, jobIds) }
}

function nameOf({ jobId, attempt }: AttemptKey): string {
  return `${jobId}:${attempt}`
}
