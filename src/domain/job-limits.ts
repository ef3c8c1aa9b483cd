/** How many jobs or calls may be under way at once over all schedulers, and which of those limits a job falls under. */

/** Limits in force; a key that is not there is not limited. 0 lets nothing start. */
export interface JobLimits {
  /** Jobs at once, whatever they are. */
  readonly jobs: number | null
  /** Jobs at once by role. */
  readonly roles: ReadonlyMap<string, number>
  /** Calls in flight by provider id. */
  readonly providers: ReadonlyMap<string, number>
  /** Calls in flight by `provider/model`. */
  readonly models: ReadonlyMap<string, number>
}

export const noLimits: JobLimits = { jobs: null, roles: new Map(), providers: new Map(), models: new Map() }

/** Whether there is anything to keep to. */
export function isLimited(limits: JobLimits): boolean {
  return limits.jobs !== null || limits.roles.size + limits.providers.size + limits.models.size > 0
}

/** Which models a person has pinned besides the plan. */
export interface Pins {
  /** `provider/model` or a provider by role id. */
  readonly roles: ReadonlyMap<string, string>
  /** For jobs whose plan and role pin none. */
  readonly fallback: string | null
}

export const noPins: Pins = { roles: new Map(), fallback: null }

/** What decides the limits of a job. */
export interface LimitedJob {
  readonly executor: string
  readonly role: string | null
  /** The plan's own pin. */
  readonly model: string | null
}

/** The model or provider a job is sure to use; null where it is chosen when the job runs, or where it uses none. */
export function pinOf({ executor, role, model }: LimitedJob, pins: Pins): string | null {
  if (executor === 'command') return null
  return model ?? pins.roles.get(role ?? '') ?? pins.fallback
}

export type LimitKind = 'jobs' | 'role' | 'provider' | 'model'

export interface LimitKey {
  readonly kind: LimitKind
  /** The role, provider or model; empty for all jobs. */
  readonly name: string
}

/** Everything a job counts against while it runs. */
export function limitKeys(job: LimitedJob, pins: Pins): readonly LimitKey[] {
  const keys: LimitKey[] = [{ kind: 'jobs', name: '' }]
  if (job.role !== null) keys.push({ kind: 'role', name: job.role })
  const pin = pinOf(job, pins)
  if (pin === null) return keys
  const slash = pin.indexOf('/')
  keys.push({ kind: 'provider', name: slash === -1 ? pin : pin.slice(0, slash) })
  return slash === -1 ? keys : [...keys, { kind: 'model', name: pin }]
}

/** The limit of a key; null where there is none. */
export function limitOf(limits: JobLimits, { kind, name }: LimitKey): number | null {
  switch (kind) {
    case 'jobs':
      return limits.jobs
    case 'role':
      return limits.roles.get(name) ?? null
    case 'provider':
      return limits.providers.get(name) ?? null
    case 'model':
      return limits.models.get(name) ?? null
  }
}

/** The keys that are used up. */
export interface FullKeys {
  readonly jobs: boolean
  readonly roles: readonly string[]
  readonly providers: readonly string[]
  readonly models: readonly string[]
}

/** What is under way, and how much more may start. */
export class LimitRoom {
  readonly #limits: JobLimits
  readonly #used = new Map<string, number>()

  constructor(limits: JobLimits) {
    this.#limits = limits
  }

  used(key: LimitKey): number {
    return this.#used.get(textOf(key)) ?? 0
  }

  /** Counts a job that runs. */
  take(keys: readonly LimitKey[]): void {
    for (const key of keys) this.#used.set(textOf(key), this.used(key) + 1)
  }

  /** Counts one job less. */
  giveBack(keys: readonly LimitKey[]): void {
    for (const key of keys) this.#used.set(textOf(key), this.used(key) - 1)
  }

  /** Says that at least so much of a key is in use: calls in flight that belong to no job counted here. */
  atLeast(key: LimitKey, count: number): void {
    this.#used.set(textOf(key), Math.max(this.used(key), count))
  }

  /** The first key that leaves no room for one more. */
  blocking(keys: readonly LimitKey[]): LimitKey | null {
    return keys.find((key) => this.#isFull(key)) ?? null
  }

  full(): FullKeys {
    const fullOf = (kind: LimitKind, names: Iterable<string>) =>
      [...names].filter((name) => this.#isFull({ kind, name }))
    return {
      jobs: this.#isFull({ kind: 'jobs', name: '' }),
      roles: fullOf('role', this.#limits.roles.keys()),
      providers: fullOf('provider', this.#limits.providers.keys()),
      models: fullOf('model', this.#limits.models.keys()),
    }
  }

  #isFull(key: LimitKey): boolean {
    const limit = limitOf(this.#limits, key)
    return limit !== null && this.used(key) >= limit
  }
}

function textOf({ kind, name }: LimitKey): string {
  return `${kind} ${name}`
}
