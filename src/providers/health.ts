/**
 * What each provider and model did lately. A failure cools down what it says something about: the account
 * (billing, auth), the server (connect, config), or one model. Stored where the table exists, so that every
 * scheduler and the next start know it; otherwise it lasts for this process.
 */
import type { Capabilities } from '../database/capabilities.ts'
import type { Database } from '../database/connection.ts'
import { readHealth, writeHealth, type StoredHealth } from '../database/repositories/provider-health-repository.ts'
import type { ErrorClass } from '../domain/error-class.ts'
import type { Clock } from '../runtime/clock.ts'
import { redact } from '../runtime/redaction.ts'
import type { Random } from '../runtime/random.ts'

export interface HealthDeps {
  readonly database: () => Promise<Database>
  readonly tables: () => Promise<Pick<Capabilities, 'has'>>
  readonly clock: Clock
  readonly random: Random
}

export interface ReportedFailure {
  readonly errorClass: ErrorClass
  readonly reason: string
  /** What the provider told us; it is never undercut. */
  readonly retryAfterMs?: number
}

interface CooldownRule {
  /** Empty model id, or the model that failed. */
  readonly scope: 'provider' | 'model'
  /** Failures in a row before the first cooldown; a told delay does not wait for them. */
  readonly after: number
  readonly baseMs: number
  readonly longestMs: number
}

const minuteMs = 60_000

/** Classes that are about the request, not about the provider, have no rule. */
const rules: Readonly<Partial<Record<ErrorClass, CooldownRule>>> = {
  rate: { scope: 'model', after: 1, baseMs: 2_000, longestMs: 5 * minuteMs },
  overload: { scope: 'model', after: 1, baseMs: 2_000, longestMs: 5 * minuteMs },
  server: { scope: 'model', after: 3, baseMs: 5_000, longestMs: 5 * minuteMs },
  hang: { scope: 'model', after: 2, baseMs: 10_000, longestMs: 5 * minuteMs },
  unknown_outcome: { scope: 'model', after: 3, baseMs: 5_000, longestMs: 5 * minuteMs },
  empty: { scope: 'model', after: 3, baseMs: 5_000, longestMs: 5 * minuteMs },
  connect: { scope: 'provider', after: 2, baseMs: 5_000, longestMs: 5 * minuteMs },
  config: { scope: 'provider', after: 1, baseMs: 15_000, longestMs: 5 * minuteMs },
  auth: { scope: 'provider', after: 1, baseMs: 5 * minuteMs, longestMs: 60 * minuteMs },
  billing: { scope: 'provider', after: 1, baseMs: 15 * minuteMs, longestMs: 60 * minuteMs },
}

export class ProviderHealth {
  readonly #deps: HealthDeps
  readonly #inMemory = new Map<string, StoredHealth>()

  constructor(deps: HealthDeps) {
    this.#deps = deps
  }

  /** Notes a failed call; repeated failures cool down for longer, with jitter. */
  async recordFailure(providerId: string, modelId: string, failure: ReportedFailure): Promise<void> {
    const rule = rules[failure.errorClass]
    if (rule === undefined) return
    const key = { providerId, modelId: rule.scope === 'provider' ? '' : modelId }
    await this.#change(key, (before, nowMs) => this.#worse(before, { ...failure, rule, nowMs }))
  }

  /** Notes an answered call: it ends the cooldowns of its model and of its provider. */
  async recordSuccess(providerId: string, modelId: string): Promise<void> {
    const known = await this.list(providerId)
    const recovered = known.filter((health) => health.modelId === '' || health.modelId === modelId)
    for (const health of recovered) {
      if (health.failures === 0 && health.state === 'closed') continue
      await this.#change(health, (before) => ({ ...before, ...healthy }))
    }
  }

  /** Until when (epoch milliseconds) no call may go to the model, or null. Includes the provider's own cooldown. */
  async cooldownUntil(providerId: string, modelId: string): Promise<number | null> {
    const nowMs = await this.#now()
    const ends = (await this.list(providerId))
      .filter((health) => health.modelId === '' || health.modelId === modelId)
      .map((health) => health.cooldownUntil ?? 0)
      .filter((until) => until > nowMs)
    return ends.length === 0 ? null : Math.max(...ends)
  }

  /** Every cooldown in force, in one read; an empty model id is the whole provider. */
  async cooldowns(): Promise<readonly { providerId: string; modelId: string; untilMs: number }[]> {
    const nowMs = await this.#now()
    return (await this.list()).flatMap(({ providerId, modelId, cooldownUntil }) =>
      cooldownUntil === null || cooldownUntil <= nowMs ? [] : [{ providerId, modelId, untilMs: cooldownUntil }],
    )
  }

  /** Everything remembered, or that of one provider. */
  async list(providerId?: string): Promise<readonly StoredHealth[]> {
    if (await this.#isStored()) return readHealth((await this.#deps.database()).db, providerId)
    return [...this.#inMemory.values()].filter((health) => providerId === undefined || health.providerId === providerId)
  }

  #worse(
    before: StoredHealth,
    failure: ReportedFailure & { readonly rule: CooldownRule; readonly nowMs: number },
  ): StoredHealth {
    const { errorClass, rule, nowMs, retryAfterMs } = failure
    const failures = before.failures + 1
    const growth = Math.min(rule.baseMs * 2 ** Math.min(failures - rule.after, 20), rule.longestMs)
    // Between half and all of it: every scheduler that was refused must not come back at once.
    const ownMs = failures < rule.after ? 0 : Math.ceil(growth * (0.5 + this.#deps.random.next() / 2))
    const delayMs = retryAfterMs ?? ownMs
    const until = Math.max(before.cooldownUntil ?? 0, delayMs === 0 ? 0 : nowMs + delayMs)
    return {
      ...before,
      state: until > nowMs ? 'open' : before.state,
      errorClass,
      reason: redact(failure.reason).slice(0, 500),
      cooldownUntil: until > nowMs ? until : null,
      failures,
    }
  }

  async #change(
    { providerId, modelId }: Pick<StoredHealth, 'providerId' | 'modelId'>,
    change: (before: StoredHealth, nowMs: number) => StoredHealth,
  ): Promise<void> {
    const unknown: StoredHealth = { providerId, modelId, ...healthy }
    const nowMs = await this.#now()
    if (!(await this.#isStored())) {
      const key = JSON.stringify([providerId, modelId])
      this.#inMemory.set(key, change(this.#inMemory.get(key) ?? unknown, nowMs))
      return
    }
    const database = await this.#deps.database()
    await database.write(async (trx) => {
      // Two processes that read the same count would write the same next one.
      await database.dialect.lockLimits(trx)
      const known = await readHealth(trx, providerId)
      const before = known.find((health) => health.modelId === modelId) ?? unknown
      await writeHealth(trx, change(before, nowMs), nowMs)
    })
  }

  async #isStored(): Promise<boolean> {
    return (await this.#deps.tables()).has('provider_health')
  }

  /** The database's time: several machines share what is stored. */
  async #now(): Promise<number> {
    return (await this.#isStored()) ? (await this.#deps.database()).now() : this.#deps.clock.now()
  }
}

const healthy = { state: 'closed', errorClass: null, reason: null, cooldownUntil: null, failures: 0 } as const
