import { listOwners } from '../database/repositories/scheduler-instance-repository.ts'
import type { SchedulerDeps } from './scheduler-types.ts'
import type { TablesNow } from './table-watch.ts'

/**
 * Schedulers that own running jobs, or locks of jobs that were cancelled under them, and are known to be gone:
 * stopped, or a process of this host that does not live.
 */
export async function findDeadOwners(
  deps: SchedulerDeps,
  ownId: string,
  tables: TablesNow,
): Promise<readonly string[]> {
  if (!tables.instances) return []
  const owners = await listOwners(deps.database.db, { except: ownId, hasLockTable: tables.locks })
  return owners
    .filter((owner) => {
      if (owner.stoppedAt !== null) return true
      const { host, bootId, pidNamespace, pid, processStartedAt } = owner
      return deps.isAlive({ host, bootId, pidNamespace, pid, startTime: processStartedAt }) === false
    })
    .map((owner) => owner.id)
}
