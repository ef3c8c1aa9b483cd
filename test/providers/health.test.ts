import { describe, expect, it } from 'vitest'
import { ProviderHealth } from '../../src/providers/health.ts'
import { describeEachDatabase, type TestDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import type { ErrorClass } from '../../src/domain/error-class.ts'

function healthAt(clock: FakeClock, database: TestDatabase | null): ProviderHealth {
  return new ProviderHealth({
    // Both engines judge by the fake clock here; on a server it is the server's own.
    database: async () =>
      database === null ? Promise.reject(new Error('no database')) : { ...database, now: async () => clock.now() },
    tables: async () => ({ has: async () => database !== null }),
    clock,
    random: seededRandom(1),
  })
}

const failure = (errorClass: ErrorClass, retryAfterMs?: number) => ({ errorClass, reason: 'because', retryAfterMs })

describeEachDatabase('stored health', (open) => {
  it('is known to another process and after a restart', async () => {
    const clock = new FakeClock()
    const database = await open({ clock })
    await healthAt(clock, database).recordFailure('openai', 'gpt', failure('rate', 90_000))
    const other = healthAt(clock, database)
    expect(await other.cooldownUntil('openai', 'gpt')).toBe(clock.now() + 90_000)
    expect(await other.cooldownUntil('openai', 'another-model')).toBeNull()
    expect(await other.cooldownUntil('mistral', 'gpt')).toBeNull()
    const untilMs = clock.now() + 90_000
    expect(await other.cooldowns()).toEqual([{ providerId: 'openai', modelId: 'gpt', untilMs }])
    await clock.advance(90_000)
    expect(await other.cooldowns()).toEqual([])
  })

  it('counts failures of several processes together and forgets them on success', async () => {
    const clock = new FakeClock()
    const database = await open({ clock })
    const [one, two] = [healthAt(clock, database), healthAt(clock, database)]
    await Promise.all([one, two, one].map((health) => health.recordFailure('openai', 'gpt', failure('server'))))
    expect(await one.list('openai')).toMatchObject([{ failures: 3, state: 'open', errorClass: 'server' }])
    await two.recordSuccess('openai', 'gpt')
    expect(await one.cooldownUntil('openai', 'gpt')).toBeNull()
    expect(await one.list('openai')).toMatchObject([{ failures: 0, state: 'closed', reason: null }])
  })

  it('keeps the adaptive limits of the row', async () => {
    const clock = new FakeClock()
    const database = await open({ clock })
    const health = healthAt(clock, database)
    await health.recordFailure('openai', 'gpt', failure('overload'))
    await database.db.updateTable('provider_health').set({ adaptive_target: 4 }).execute()
    await health.recordFailure('openai', 'gpt', failure('overload'))
    const row = await database.db.selectFrom('provider_health').select('adaptive_target').executeTakeFirst()
    expect(row?.adaptive_target).toBe(4)
  })
})

describe('health of one process', () => {
  it('cools a model down for longer with every failure, and never for less than it was told', async () => {
    const clock = new FakeClock()
    const health = healthAt(clock, null)
    const delays: number[] = []
    for (let failures = 1; failures <= 12; failures += 1) {
      await health.recordFailure('openai', 'gpt', failure('overload'))
      const until = (await health.cooldownUntil('openai', 'gpt')) ?? 0
      delays.push(until - clock.now())
      await clock.advance(until - clock.now() + 1)
    }
    expect(delays[0]).toBeLessThanOrEqual(2_000)
    expect(delays[3]).toBeGreaterThan((delays[0] ?? 0) * 2)
    expect(Math.max(...delays)).toBeLessThanOrEqual(300_000)
    await health.recordFailure('openai', 'gpt', failure('overload', 3_600_000))
    expect(await health.cooldownUntil('openai', 'gpt')).toBe(clock.now() + 3_600_000)
  })

  it('does not shorten a told delay by a later, shorter one', async () => {
    const clock = new FakeClock()
    const health = healthAt(clock, null)
    await health.recordFailure('openai', 'gpt', failure('rate', 60_000))
    await health.recordFailure('openai', 'gpt', failure('rate', 1_000))
    expect(await health.cooldownUntil('openai', 'gpt')).toBe(clock.now() + 60_000)
  })

  it.each(['auth', 'billing', 'config'] as const)('cools the whole provider down after %s', async (errorClass) => {
    const health = healthAt(new FakeClock(), null)
    await health.recordFailure('openai', 'gpt', failure(errorClass))
    expect(await health.cooldownUntil('openai', 'another-model')).not.toBeNull()
    expect(await health.cooldownUntil('mistral', 'gpt')).toBeNull()
  })

  it.each(['request', 'context', 'truncated', 'refused', 'malformed'] as const)(
    'holds %s against nobody: it is about the request',
    async (errorClass) => {
      const health = healthAt(new FakeClock(), null)
      for (let failures = 0; failures < 10; failures += 1) await health.recordFailure('o', 'm', failure(errorClass))
      expect(await health.list()).toEqual([])
    },
  )

  it('forgives two server errors in a row', async () => {
    const health = healthAt(new FakeClock(), null)
    for (let failures = 0; failures < 2; failures += 1) await health.recordFailure('o', 'm', failure('server'))
    expect(await health.cooldownUntil('o', 'm')).toBeNull()
    await health.recordFailure('o', 'm', failure('server'))
    expect(await health.cooldownUntil('o', 'm')).not.toBeNull()
  })

  it('keeps keys out of the reason', async () => {
    const health = healthAt(new FakeClock(), null)
    await health.recordFailure('o', 'm', { errorClass: 'auth', reason: 'key sk-abcdefghijklmnop refused' })
    expect((await health.list())[0]?.reason).toBe('key [redacted] refused')
  })
})
