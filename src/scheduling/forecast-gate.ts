import { conflictingLock, jobLocks, type HeldLock, type JobLock } from '../domain/job-lock.ts'
import { limitKeys, LimitRoom, type LimitKey } from '../domain/job-limits.ts'
import type { Job } from '../domain/job.ts'
import type { StartGate } from '../domain/schedule.ts'
import { requiredLocks } from './required-locks.ts'
import type { WaitsScene } from './waits-scene.ts'

/** What a simulated start met at the gate. */
export type GateFinding =
  | { readonly kind: 'lock'; readonly lock: HeldLock }
  | { readonly kind: 'limit'; readonly key: LimitKey }

export interface ForecastJob {
  readonly job: Job
  readonly workspace: string
  /** Something holds it back that neither time nor another job ends. */
  readonly never: boolean
}

/** Locks and limits as the simulated jobs take and give them; what runs now has taken its own already. */
export class ForecastGate implements StartGate {
  /** What first kept a job from starting when its turn came. */
  readonly findings = new Map<string, GateFinding>()
  readonly #jobs: ReadonlyMap<string, ForecastJob>
  readonly #scene: WaitsScene
  readonly #room: LimitRoom
  readonly #held: Map<string, HeldLock[]>

  constructor(jobs: readonly ForecastJob[], scene: WaitsScene) {
    this.#jobs = new Map(jobs.map((one) => [one.job.id, one]))
    this.#scene = scene
    this.#room = new LimitRoom(scene.standing.limits)
    for (const job of scene.running) this.#room.take(limitKeys(job, scene.standing.pins))
    this.#held = new Map([...scene.held].map(([name, locks]) => [name, [...locks]]))
  }

  blocking(key: string): string | null {
    const one = this.#jobs.get(key)
    if (one === undefined || one.never) return 'never'
    const limit = this.#room.blocking(this.#keysOf(one))
    if (limit !== null) return this.#note(key, { kind: 'limit', key: limit })
    const lock = conflictingLock(locksOf(one), this.#held)
    return lock === null ? null : this.#note(key, { kind: 'lock', lock })
  }

  started(key: string): void {
    const one = this.#jobs.get(key)
    if (one === undefined) return
    this.#room.take(this.#keysOf(one))
    for (const lock of locksOf(one)) {
      const others = this.#held.get(lock.name) ?? []
      this.#held.set(lock.name, [...others, { ...lock, jobId: key }])
    }
  }

  ended(key: string): readonly string[] {
    const one = this.#jobs.get(key)
    if (one === undefined) return []
    const keys = this.#keysOf(one)
    const locks = locksOf(one)
    this.#room.giveBack(keys)
    for (const { name } of locks) {
      const others = (this.#held.get(name) ?? []).filter(({ jobId }) => jobId !== key)
      this.#held.set(name, others)
    }
    return [...keys.map((limit) => nameOf({ kind: 'limit', key: limit })), ...locks.map(({ name }) => `lock ${name}`)]
  }

  #keysOf({ job }: ForecastJob): readonly LimitKey[] {
    const { executor, role, plan } = job
    return limitKeys({ executor, role, model: plan.model }, this.#scene.standing.pins)
  }

  #note(key: string, finding: GateFinding): string {
    if (!this.findings.has(key)) this.findings.set(key, finding)
    return nameOf(finding)
  }
}

function nameOf(finding: GateFinding): string {
  return finding.kind === 'lock' ? `lock ${finding.lock.name}` : `limit ${finding.key.kind} ${finding.key.name}`
}

function locksOf({ job, workspace }: ForecastJob): readonly JobLock[] {
  const { names, paths } = requiredLocks(job.plan, workspace)
  return jobLocks(names, paths)
}
