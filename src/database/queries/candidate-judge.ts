import { conflictingLock, jobLocks, locksByName, type HeldLock, type JobLock } from '../../domain/job-lock.ts'
import { limitKeys, pinOf, type LimitedJob, type LimitRoom } from '../../domain/job-limits.ts'
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

  /** At once where that is possible: a promise per job would cost more than the judgement. */
  judge(job: Job, workspace: string): Judgement | Promise<Judgement> {
    const judgement = this.#judge(job, workspace)
    if (judgement === null) return this.#readLocks().then(() => this.judge(job, workspace))
    if (judgement.kind !== 'free') this.passedOver += 1
    return judgement
  }

  async #readLocks(): Promise<void> {
    await this.#request.lockLimits?.()
    this.#held = locksByName(await findHeldLocks(this.#db, this.#request))
  }

  /** Null where the held locks must be known and are not. */
  #judge(job: Job, workspace: string): Judgement | null {
    const { shared, room, locksFor } = this.#request
    if (shared !== undefined && isClosed(job, shared)) return closed
    const keys = room === undefined || shared === undefined ? noKeys : limitKeys(limitedBy(job), shared.pins)
    if (room !== undefined && room.blocking(keys) !== null) return full
    const { names, paths } = locksFor(job.plan, workspace)
    const locks = jobLocks(names, paths)
    if (locks.length > 0) {
      const held = this.#held
      if (held === null) return null
      if (conflictingLock(locks, held) !== null) return locked
      for (const lock of locks) hold(held, { name: lock.name, mode: lock.mode, jobId: job.id })
    }
    room?.take(keys)
    return { kind: 'free', locks }
  }
}

const [closed, full, locked] = [{ kind: 'closed' }, { kind: 'full' }, { kind: 'locked' }] as const
const noKeys: ReturnType<typeof limitKeys> = []

function hold(held: Map<string, HeldLock[]>, lock: HeldLock): void {
  const others = held.get(lock.name)
  if (others === undefined) held.set(lock.name, [lock])
  else others.push(lock)
}

function limitedBy({ executor, role, plan }: Job): LimitedJob {
  return { executor, role, model: plan.model }
}

/** The conditions `overBudget` and `providerCooling`, for one job. */
function isClosed(job: Job, shared: SharedFacts): boolean {
  const { pins, cooling, exhaustedProjects, freeProviders } = shared
  if (job.executor === 'command') return false
  const pin = pinOf(limitedBy(job), pins)
  if (pin !== null && isAmong(pin, cooling)) return true
  if (!exhaustedProjects.includes(job.projectId)) return false
  return pin === null ? freeProviders.length === 0 : !isAmong(pin, { providers: freeProviders, models: [] })
}

function isAmong(pin: string, { providers, models }: ModelTargets): boolean {
  return models.includes(pin) || providers.some((id) => pin === id || pin.startsWith(`${id}/`))
}
