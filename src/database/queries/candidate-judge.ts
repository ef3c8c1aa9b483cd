import { conflictingLock, jobLocks, locksByName, type HeldLock, type JobLock } from '../../domain/job-lock.ts'
import { limitKeys, pinOf, type LimitRoom } from '../../domain/job-limits.ts'
import type { Job } from '../../domain/job.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { findHeldLocks, type LockRequest } from './held-locks.ts'
import type { ModelTargets, SharedFacts } from './readiness-conditions.ts'

export interface JudgeRequest {
  /** Whether the table of locks exists; without it the running jobs' plans say what is held. */
  readonly hasLockTable: boolean
  locksFor(plan: PlannedJob, workspace: string): LockRequest
  /** What is closed for a while; nothing where it is left out. */
  readonly shared?: SharedFacts
  /** How much of each limit is left; no limits where it is left out. Whoever is let in takes of it. */
  readonly room?: LimitRoom
  /** Called before the held locks are read, where some candidate wants one: from then on none may change. */
  lockLimits?(): Promise<void>
}

/** What a job was let in with, or why it was not. */
export type Judgement =
  | { readonly kind: 'free'; readonly locks: readonly JobLock[] }
  | { readonly kind: 'closed' | 'full' | 'locked' }

/**
 * Decides in code, row by row, what the conditions on shared things say in SQL: budgets, cooldowns, limits and locks.
 * Jobs that it lets in take their locks and places at once, so that no two of a batch exclude each other.
 */
export class CandidateJudge {
  /** How many were not let in. */
  passedOver = 0
  readonly #db: Db
  readonly #request: JudgeRequest
  #held: Map<string, HeldLock[]> | null = null

  constructor(db: Db, request: JudgeRequest) {
    this.#db = db
    this.#request = request
  }

  async judge(job: Job, workspace: string): Promise<Judgement> {
    const judgement = await this.#judge(job, workspace)
    if (judgement.kind !== 'free') this.passedOver += 1
    return judgement
  }

  async #judge(job: Job, workspace: string): Promise<Judgement> {
    const { shared, room, locksFor } = this.#request
    const limited = { executor: job.executor, role: job.role, model: job.plan.model }
    if (shared !== undefined && isClosed(job, shared)) return { kind: 'closed' }
    const keys = room === undefined || shared === undefined ? [] : limitKeys(limited, shared.pins)
    if (room !== undefined && room.blocking(keys) !== null) return { kind: 'full' }
    const { names, paths } = locksFor(job.plan, workspace)
    const locks = jobLocks(names, paths)
    if (locks.length > 0) {
      const held = await this.#heldLocks()
      if (conflictingLock(locks, held) !== null) return { kind: 'locked' }
      for (const lock of locks) held.set(lock.name, [...(held.get(lock.name) ?? []), { ...lock, jobId: job.id }])
    }
    room?.take(keys)
    return { kind: 'free', locks }
  }

  async #heldLocks(): Promise<Map<string, HeldLock[]>> {
    if (this.#held !== null) return this.#held
    await this.#request.lockLimits?.()
    this.#held = locksByName(await findHeldLocks(this.#db, this.#request))
    return this.#held
  }
}

/** The conditions `overBudget` and `providerCooling`, for one job. */
function isClosed(job: Job, shared: SharedFacts): boolean {
  const { pins, cooling, exhaustedProjects, freeProviders } = shared
  if (job.executor === 'command') return false
  const pin = pinOf({ executor: job.executor, role: job.role, model: job.plan.model }, pins)
  if (pin !== null && isAmong(pin, cooling)) return true
  if (!exhaustedProjects.includes(job.projectId)) return false
  return pin === null ? freeProviders.length === 0 : !isAmong(pin, { providers: freeProviders, models: [] })
}

function isAmong(pin: string, { providers, models }: ModelTargets): boolean {
  return models.includes(pin) || providers.some((id) => pin === id || pin.startsWith(`${id}/`))
}
