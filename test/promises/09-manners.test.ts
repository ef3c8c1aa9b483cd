import { afterEach, describe, expect, it } from 'vitest'
import { callModel, type PaidCall } from '../../src/calls/paid-call.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { errorClasses, type ErrorClass } from '../../src/domain/error-class.ts'
import { ProviderHealth } from '../../src/providers/health.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { describeSqlite, temporaryDirectory } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startFakeModelServer, type FakeModelServer, type FakeReply } from '../support/fake-model-server.ts'
import { providerManager, testProvider } from '../support/providers.ts'
import { aFailure, aModel, aReply, aScope, scriptedCalls } from '../support/scripted-calls.ts'

const call: PaidCall = {
  scope: aScope(),
  model: { role: null, needs: [], pin: null },
  request: { system: '', messages: [{ role: 'user', text: 'x' }], tools: [], schema: null, maxOutputTokens: 100 },
  signal: new AbortController().signal,
}

async function withoutTables(options: Parameters<typeof scriptedCalls>[2]) {
  const database = await openDatabase(':memory:', { clock: systemClock, random: seededRandom(1) })
  return scriptedCalls(database, temporaryDirectory(), options)
}

describe('promise 9: a told delay', () => {
  it.each([1, 900, 5_000, 29_999, 60_000 / 2])(
    'of %i ms is never undercut, and overshot by 10 %% at most',
    async (retryAfterMs) => {
      const deps = await withoutTables({
        script: (_call, { number }) => (number === 1 ? aFailure('rate', { retryAfterMs }) : aReply()),
      })
      expect(await callModel(deps, call)).toMatchObject({ kind: 'reply' })
      const [first, second] = deps.sent
      const waitedMs = (second?.atMs ?? 0) - (first?.atMs ?? 0)
      expect(waitedMs).toBeGreaterThanOrEqual(retryAfterMs)
      expect(waitedMs).toBeLessThanOrEqual(retryAfterMs * 1.1 + 1)
    },
  )

  it('of more than a minute gives the slot back until then', async () => {
    const deps = await withoutTables({ script: () => aFailure('rate', { retryAfterMs: 3_600_000 }) })
    const startMs = deps.clock.now()
    const result = await callModel(deps, call)
    expect(result).toMatchObject({ kind: 'wait', waitsFor: 'rate' })
    expect(result.kind === 'wait' && result.untilMs).toBeGreaterThanOrEqual(startMs + 3_600_000)
    expect(deps.sent).toHaveLength(1)
  })
})

describeSqlite('promise 9: a told delay of an hour', (open) => {
  it('is kept by the next process too', async () => {
    const clock = new FakeClock({ instant: true })
    const database = await open({ clock })
    const spoolDir = temporaryDirectory()
    const process = () => {
      const deps = scriptedCalls(database, spoolDir, {
        clock,
        script: () => aFailure('rate', { retryAfterMs: 3_600_000 }),
      })
      const health = new ProviderHealth({
        database: async () => database,
        tables: async () => ({ has: async () => true }),
        clock,
        random: seededRandom(1),
      })
      return { ...deps, health }
    }
    const first = process()
    await callModel(first, call)
    const second = process()
    expect(await callModel(second, call)).toMatchObject({ kind: 'wait', untilMs: clock.now() + 3_600_000 })
    expect(second.sent).toEqual([])
  })
})

describe('promise 9: blind retries', () => {
  const never = ['billing', 'auth', 'request', 'context', 'refused'] as const
  it.each(never)('a failure of class %s is sent once', async (errorClass) => {
    const deps = await withoutTables({ script: () => aFailure(errorClass) })
    await callModel(deps, call)
    expect(deps.sent).toHaveLength(1)
  })

  it.each(Object.keys(errorClasses) as ErrorClass[])(
    'a failure of class %s is sent at most five times',
    async (errorClass) => {
      const deps = await withoutTables({ script: () => aFailure(errorClass) })
      const result = await callModel(deps, call)
      expect(result.kind === 'wait' || result.kind === 'failed').toBe(true)
      expect(deps.sent.length).toBeLessThanOrEqual(5)
    },
  )

  it.each(['billing', 'auth'] as const)('after %s no other model of that account is asked', async (errorClass) => {
    const models = [
      aModel({ id: 'broke', modelId: 'a' }),
      aModel({ id: 'broke', modelId: 'b' }),
      aModel({ id: 'other', modelId: 'c' }),
    ]
    const deps = await withoutTables({
      models,
      script: (_call, { providerId }) => (providerId === 'broke' ? aFailure(errorClass) : aReply()),
    })
    expect(await callModel(deps, call)).toMatchObject({ kind: 'reply', model: { modelId: 'c' } })
    expect(deps.sent.map(({ providerId }) => providerId)).toEqual(['broke', 'other'])
  })
})

describe('promise 9: over real HTTP', () => {
  let server: FakeModelServer | undefined
  afterEach(() => server?.close())

  async function ask(reply: FakeReply) {
    server = await startFakeModelServer({ respond: ({ callNumber }) => (callNumber === 1 ? reply : { text: 'fine' }) })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    const provider = testProvider('openai', server.url)
    const model = aModel()
    const deps = await withoutTables({ models: [{ ...model, provider }] })
    const result = await callModel({ ...deps, providers: manager }, call)
    return { result, slept: deps.clock.sleeps, calls: server.calls().length }
  }

  it('waits as a 429 says', async () => {
    const { result, slept, calls } = await ask({
      status: 429,
      headers: { 'retry-after': '7' },
      body: { error: { code: 'rate_limit_exceeded', message: 'slow down' } },
    })
    expect(result).toMatchObject({ kind: 'reply', reply: { text: 'fine' } })
    expect(calls).toBe(2)
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(7000)
  })

  it('never repeats a 429 that means the bill', async () => {
    const { result, calls } = await ask({
      status: 429,
      headers: { 'retry-after': '1' },
      body: { error: { code: 'insufficient_quota', type: 'insufficient_quota', message: 'quota' } },
    })
    expect(result).toMatchObject({ kind: 'wait', waitsFor: 'provider', errorClass: 'billing' })
    expect(calls).toBe(1)
  })
})
