import { OrchError } from '../../errors/orch-error.ts'
import type { Database } from '../connection.ts'
import { listSchedulerInstances, type SchedulerInstance } from '../repositories/scheduler-instance-repository.ts'

/** Whether a process lives; null where this machine cannot know. */
export type LifeJudge = (process: {
  readonly host: string
  readonly bootId: string
  readonly pidNamespace: string
  readonly pid: number
  readonly startTime: string
}) => boolean | null

const columns = ['id', 'host', 'boot_id', 'pid_namespace', 'pid', 'process_started_at', 'heartbeat_at', 'stopped_at']
/** One of another machine that gave no sign of life for so long has lost its leases, and with them its jobs. */
const silentMs = 60_000

/** Throws ORCH_CONFLICT, naming it, while a scheduler works on the database. */
export async function refuseWhileScheduled(database: Database, isAlive: LifeJudge): Promise<void> {
  const shape = await database.dialect.shape(database.db)
  const known = shape.get('scheduler_instances')
  if (!columns.every((column) => known?.has(column) === true)) return
  const now = await database.now()
  const live = (await listSchedulerInstances(database.db, 0)).filter((one) => lives(one, { now, isAlive }))
  if (live.length === 0) return
  const names = live.map(({ pid, host }) => `process ${pid} on ${host.replace(/#.*/, '')}`)
  throw new OrchError('ORCH_CONFLICT', `A scheduler works on ${database.address}: ${names.join(', ')}`, {
    hint: 'Stop it first (Ctrl-C lets it finish or give back its jobs); nothing was changed',
  })
}

function lives(
  one: SchedulerInstance,
  { now, isAlive }: { readonly now: number; readonly isAlive: LifeJudge },
): boolean {
  if (one.stoppedAt !== null) return false
  const { host, bootId, pidNamespace, pid, processStartedAt } = one
  return isAlive({ host, bootId, pidNamespace, pid, startTime: processStartedAt }) ?? now - one.heartbeatAt <= silentMs
}
