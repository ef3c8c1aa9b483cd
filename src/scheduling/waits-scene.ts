/** Everything that the reasons of waiting jobs are told from, read once for all of them. */
import { findHeldLocks } from '../database/queries/held-locks.ts'
import { readExplainedWaits } from '../database/queries/explain-waits.ts'
import type { ReadinessCondition } from '../database/queries/readiness-conditions.ts'
import { readRunningJobs, type Cooldown, type RunningJob } from '../database/queries/shared-load.ts'
import { readRoom } from '../database/queries/limit-room.ts'
import {
  listActiveWorkspaces,
  listOpenDependencies,
  readJobNames,
  type OpenDependency,
} from '../database/repositories/job-repository.ts'
import { conflictingLock, jobLocks, locksByName, type HeldLock } from '../domain/job-lock.ts'
import { limitKeys, limitOf, pinOf, type LimitKey, type LimitKind } from '../domain/job-limits.ts'
import type { Job } from '../domain/job.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { countLiveSchedulers } from './list-schedulers.ts'
import type { LimitUse } from './readiness.ts'
import { requiredLocks } from './required-locks.ts'
import { readStanding, standingFacts, type Standing } from './standing.ts'

export interface WaitsScope {
  readonly projectId?: string
  readonly jobId?: string
}

/** What stands in the way of the blocked and ready jobs of a scope. */
export interface WaitsScene {
  /** Undefined for a job whose project is gone. */
  conditions(job: Job, workspace: string): readonly ReadinessCondition[] | undefined
  openDependencies(job: Job): readonly OpenDependency[]
  lock(job: Job, workspace: string): { readonly name: string; readonly holder: string } | null
  limits(job: Job): Readonly<Partial<Record<LimitKind, LimitUse>>>
  cooldown(job: Job): Cooldown | null
  readonly liveSchedulers: number
  readonly standing: Standing
  readonly running: readonly RunningJob[]
  /** What running jobs hold, by name of the lock. */
  readonly held: ReadonlyMap<string, readonly HeldLock[]>
}

export async function readWaitsScene(deps: JobsDeps, scope: WaitsScope): Promise<WaitsScene> {
  const { db, dialect } = deps.database
  const standing = await readStanding(deps)
  const room = await readRoom(db, dialect, standing)
  const shared = { ...standingFacts(deps.database, standing), full: room.full() }
  const waits = await readExplainedWaits(db, scope, { ...(await placeFacts(deps)), shared })
  const hasEdges = await deps.tables.has('job_dependencies')
  const dependencies = hasEdges ? await listOpenDependencies(db, scope) : new Map<string, OpenDependency[]>()
  const hasLockTable = await deps.tables.has('job_locks')
  const held = locksByName(await findHeldLocks(db, { hasLockTable, locksFor: requiredLocks }))
  const running = await readRunningJobs(db, dialect)
  const names = await readJobNames(db, [
    ...new Set([...running.map(({ id }) => id), ...[...held.values()].flat().map(({ jobId }) => jobId)]),
  ])
  const useOf = memo((key: LimitKey): LimitUse | null => {
    const limit = limitOf(standing.limits, key)
    if (limit === null) return null
    const counts = (other: LimitKey) => other.kind === key.kind && other.name === key.name
    const holders = running.filter((one) => limitKeys(one, standing.pins).some(counts))
    return { name: key.name, limit, used: room.used(key), holders: holders.map(({ id }) => names.get(id) ?? id) }
  })
  const conflictOf = (job: Job, workspace: string) => conflictWith(held, job, workspace)
  return {
    conditions: (job, workspace) => {
      const found = waits.get(job.id)
      if (found === undefined || conflictOf(job, workspace) === null) return found
      return [...found, 'lockTaken']
    },
    openDependencies: (job) => dependencies.get(job.id) ?? [],
    lock: (job, workspace) => {
      const lock = conflictOf(job, workspace)
      if (lock === null) return null
      return { name: lock.name.replace(/^(name|path):/, ''), holder: names.get(lock.jobId) ?? lock.jobId }
    },
    limits: (job) =>
      Object.fromEntries(
        limitKeys(limited(job), standing.pins).flatMap((key) => {
          const use = useOf(key)
          return use === null ? [] : [[key.kind, use]]
        }),
      ),
    cooldown: (job) => longestCooldown(pinOf(limited(job), standing.pins), standing.cooldowns),
    liveSchedulers: await countLiveSchedulers(deps),
    standing,
    running,
    held,
  }
}

/** Thousands of jobs share a handful of keys. */
function memo(find: (key: LimitKey) => LimitUse | null): (key: LimitKey) => LimitUse | null {
  const known = new Map<string, LimitUse | null>()
  return (key) => {
    const name = `${key.kind} ${key.name}`
    const found = known.get(name)
    if (found !== undefined) return found
    const use = find(key)
    known.set(name, use)
    return use
  }
}

function limited({ executor, role, plan: { model } }: Job) {
  return { executor, role, model }
}

function conflictWith(held: ReadonlyMap<string, readonly HeldLock[]>, job: Job, workspace: string): HeldLock | null {
  if (held.size === 0) return null
  const { names, paths } = requiredLocks(job.plan, workspace)
  return conflictingLock(jobLocks(names, paths), held)
}

function longestCooldown(pin: string | null, cooldowns: readonly Cooldown[]): Cooldown | null {
  if (pin === null) return null
  const fitting = cooldowns.filter(({ providerId, modelId }) =>
    modelId === '' ? pin === providerId || pin.startsWith(`${providerId}/`) : pin === `${providerId}/${modelId}`,
  )
  return fitting.toSorted((a, b) => b.untilMs - a.untilMs)[0] ?? null
}

/** Time, trust and reach. */
export async function placeFacts(deps: JobsDeps) {
  const workspaces = await listActiveWorkspaces(deps.database.db)
  return {
    now: await deps.database.now(),
    databaseTrusted: deps.databaseTrusted,
    unreachableProjects: workspaces.flatMap((one) => (deps.canReach(one.workspace) ? [] : [one.projectId])),
  }
}
