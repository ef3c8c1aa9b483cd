import type { Db } from '../dialect/dialect.ts'
import type { SchedulerInstanceRow } from '../tables.ts'

/** Which process on which machine a scheduler is: enough to know that it is gone. */
export interface ProcessIdentity {
  readonly host: string
  readonly bootId: string
  readonly pidNamespace: string
  readonly pid: number
  /** As the kernel counts it; tells a process from a later one with the same number. */
  readonly processStartedAt: string
}

export interface SchedulerInstance extends ProcessIdentity {
  readonly id: string
  readonly version: string
  readonly concurrency: number
  readonly startedAt: number
  readonly heartbeatAt: number
  readonly stoppedAt: number | null
}

/** Announces a scheduler. */
export async function insertSchedulerInstance(db: Db, instance: SchedulerInstance): Promise<void> {
  await db
    .insertInto('scheduler_instances')
    .values({
      id: instance.id,
      host: instance.host,
      boot_id: instance.bootId,
      pid_namespace: instance.pidNamespace,
      pid: instance.pid,
      process_started_at: instance.processStartedAt,
      version: instance.version,
      concurrency: instance.concurrency,
      started_at: instance.startedAt,
      heartbeat_at: instance.heartbeatAt,
      stopped_at: instance.stoppedAt,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

/** Notes that a scheduler is alive, or that it stopped. */
export async function touchSchedulerInstance(
  db: Db,
  id: string,
  change: { readonly heartbeatAt?: number; readonly stoppedAt?: number },
): Promise<void> {
  await db
    .updateTable('scheduler_instances')
    .set({
      ...(change.heartbeatAt === undefined ? {} : { heartbeat_at: change.heartbeatAt }),
      ...(change.stoppedAt === undefined ? {} : { stopped_at: change.stoppedAt }),
    })
    .where('id', '=', id)
    .execute()
}

/**
 * The schedulers that own running jobs, or jobs that no longer run and still hold locks; the given one left out.
 * Without `hasLockTable` the latter hold none.
 */
export async function listOwners(
  db: Db,
  { except, hasLockTable }: { readonly except: string; readonly hasLockTable: boolean },
): Promise<SchedulerInstance[]> {
  const owners = db
    .selectFrom('jobs')
    .select((owner) => owner.ref('jobs.lease_owner').$notNull().as('owner'))
    .where('jobs.lease_owner', '<>', except)
  const ofRunning = owners.where('jobs.state', '=', 'running')
  const ofLocks = owners.where('jobs.id', 'in', (eb) => eb.selectFrom('job_locks').select('job_locks.job_id'))
  const rows = await db
    .selectFrom('scheduler_instances')
    .selectAll()
    .where((eb) => eb.or([eb('id', 'in', ofRunning), ...(hasLockTable ? [eb('id', 'in', ofLocks)] : [])]))
    .execute()
  return rows.map(toInstance)
}

/** Schedulers that gave a sign of life since then, newest first. */
export async function listSchedulerInstances(db: Db, sinceMs: number): Promise<SchedulerInstance[]> {
  const rows = await db
    .selectFrom('scheduler_instances')
    .selectAll()
    .where('heartbeat_at', '>=', sinceMs)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toInstance)
}

function toInstance(row: SchedulerInstanceRow): SchedulerInstance {
  return {
    id: row.id,
    host: row.host,
    bootId: row.boot_id,
    pidNamespace: row.pid_namespace,
    pid: row.pid,
    processStartedAt: row.process_started_at,
    version: row.version,
    concurrency: row.concurrency,
    startedAt: row.started_at,
    heartbeatAt: row.heartbeat_at,
    stoppedAt: row.stopped_at,
  }
}
