/** Who runs jobs: every scheduler of the last day, whether it lives, and what it runs. */
import { readRunningByOwner, type OwnedJob } from '../database/queries/running-by-owner.ts'
import {
  listSchedulerInstances,
  type SchedulerInstance,
} from '../database/repositories/scheduler-instance-repository.ts'
import type { TableName } from '../database/tables.ts'
import type { JobsDeps } from './jobs-deps.ts'

/**
 * `stopped` said goodbye, `dead` is a process of this host that is gone, `stale` gave no sign for longer than a
 * lease by the database's clock, `alive` is none of them.
 */
export const schedulerStates = ['alive', 'stale', 'stopped', 'dead'] as const
export type SchedulerState = (typeof schedulerStates)[number]

export interface ListedScheduler {
  readonly id: string
  readonly state: SchedulerState
  /** Null where its row is missing and only the jobs it owns are known. */
  readonly instance: SchedulerInstance | null
  /** Names of the jobs it runs. */
  readonly jobs: readonly string[]
}

export interface SchedulerList {
  readonly schedulers: readonly ListedScheduler[]
  /** The database's time. */
  readonly now: number
  /** Tables without which the list is shorter. */
  readonly missing: readonly TableName[]
}

const usualLeaseMs = 20_000
/** Who was last seen before that is history, unless it owns a job. */
const shownMs = 24 * 60 * 60_000

/** Every scheduler that was seen within a day or owns a running job. */
export async function listSchedulers(deps: JobsDeps): Promise<SchedulerList> {
  const missing = await deps.tables.missing(['scheduler_instances', 'projects', 'jobs'])
  const now = await deps.database.now()
  const hasJobs = !missing.includes('jobs') && !missing.includes('projects')
  const owned = hasJobs ? await readRunningByOwner(deps.database.db) : []
  const instances = missing.includes('scheduler_instances') ? [] : await readInstances(deps, owned, now)
  const known = new Set(instances.map(({ id }) => id))
  const strangers = [...new Set(owned.map(({ owner }) => owner))].filter((owner) => !known.has(owner))
  return {
    schedulers: [
      ...instances.map((instance) => ({
        id: instance.id,
        state: stateOf(deps, instance, now),
        instance,
        jobs: namesOf(owned, instance.id),
      })),
      ...strangers.map((id) => ({
        id,
        state: stateOfStranger(owned, id, now),
        instance: null,
        jobs: namesOf(owned, id),
      })),
    ],
    now,
    missing,
  }
}

/** How many schedulers would take a ready job; 0 where nobody can know. */
export async function countLiveSchedulers(deps: JobsDeps): Promise<number> {
  if (!(await deps.tables.has('scheduler_instances'))) return 0
  const now = await deps.database.now()
  const recent = await listSchedulerInstances(deps.database.db, now - (deps.leaseMs ?? usualLeaseMs))
  return recent.filter((instance) => stateOf(deps, instance, now) === 'alive').length
}

async function readInstances(deps: JobsDeps, owned: readonly OwnedJob[], now: number): Promise<SchedulerInstance[]> {
  const owners = new Set(owned.map(({ owner }) => owner))
  const sinceMs = now - shownMs
  // Only a job that outlived its owner by a day makes the whole history worth reading.
  const recent = await listSchedulerInstances(deps.database.db, sinceMs)
  const seen = new Set(recent.map(({ id }) => id))
  if ([...owners].every((owner) => seen.has(owner))) return recent
  const all = await listSchedulerInstances(deps.database.db, 0)
  return all.filter(({ id, heartbeatAt }) => heartbeatAt >= sinceMs || owners.has(id))
}

function stateOf(deps: JobsDeps, instance: SchedulerInstance, now: number): SchedulerState {
  if (instance.stoppedAt !== null) return 'stopped'
  const { host, bootId, pidNamespace, pid, processStartedAt } = instance
  if (deps.isAlive?.({ host, bootId, pidNamespace, pid, startTime: processStartedAt }) === false) return 'dead'
  return now - instance.heartbeatAt > (deps.leaseMs ?? usualLeaseMs) ? 'stale' : 'alive'
}

function stateOfStranger(owned: readonly OwnedJob[], id: string, now: number): SchedulerState {
  return owned.some(({ owner, leaseExpiresAt }) => owner === id && (leaseExpiresAt ?? 0) > now) ? 'alive' : 'stale'
}

function namesOf(owned: readonly OwnedJob[], id: string): readonly string[] {
  return owned.filter(({ owner }) => owner === id).map(({ name }) => name)
}
