import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { callModel, type PaidCall } from '../../src/calls/paid-call.ts'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import {
  aFailure,
  aModel,
  aReply,
  aScope,
  quietHealth,
  roundPrice,
  scriptedCalls,
  someUsage,
} from '../support/scripted-calls.ts'

const wish = { role: null, needs: [], pin: null }

function aCall(overrides: Partial<PaidCall> = {}): PaidCall {
  return {
    scope: aScope(),
    model: wish,
    request: { system: 's', messages: [{ role: 'user', text: 'hi' }], tools: [], schema: null, maxOutputTokens: 1000 },
    signal: new AbortController().signal,
    ...overrides,
  }
}

describeEachDatabase('callModel', (open) => {
  it('books the cost of the reply, closes the reservation and empties the spool', async () => {
    const database = await open()
    const spoolDir = temporaryDirectory()
    const deps = scriptedCalls(database, spoolDir)
    const result = await callModel(deps, aCall())

    expect(result).toMatchObject({ kind: 'reply', reply: { text: 'fine' }, costMicroUsd: 120, boundMicroUsd: null })
    const usage = await database.db.selectFrom('model_usage').selectAll().execute()
    expect(usage).toMatchObject([
      {
        project_id: 'project-1',
        role: 'engineer',
        input_tokens: 100,
        cost_micro_usd: 120,
        source: 'measured',
        outcome: 'ok',
      },
    ])
    const reservations = await database.db.selectFrom('reservations').selectAll().execute()
    expect(reservations).toMatchObject([{ id: usage[0]?.id, settled_at: expect.any(Number) }])
    expect(readdirSync(spoolDir)).toEqual([])
  })

  it('books every request that was sent, failures included', async () => {
    const database = await open()
    const deps = scriptedCalls(database, temporaryDirectory(), {
      script: (_call, { number }) => (number === 1 ? aFailure('server') : aReply()),
    })
    await callModel(deps, aCall())
    const usage = await database.db.selectFrom('model_usage').selectAll().orderBy('id').execute()
    expect(usage).toMatchObject([
      { outcome: 'error', error_class: 'server', cost_micro_usd: 0, source: 'estimated' },
      { outcome: 'ok', error_class: null, cost_micro_usd: 120 },
    ])
  })

  it('books a call whose cost nobody knows at its bound, and never as zero', async () => {
    const database = await open()
    const silent = { ...someUsage, inputTokens: null, outputTokens: null }
    const deps = scriptedCalls(database, temporaryDirectory(), { script: () => aReply({ usage: silent }) })
    const result = await callModel(deps, aCall())
    expect(result).toMatchObject({ costMicroUsd: null, boundMicroUsd: expect.any(Number) })
    const usage = await database.db.selectFrom('model_usage').selectAll().execute()
    expect(usage).toMatchObject([{ cost_micro_usd: null, source: 'unknown' }])
    expect(usage[0]?.bound_micro_usd).toBeGreaterThan(2000)
  })

  it('refuses a call that the budget cannot bear, and sends nothing', async () => {
    const deps = scriptedCalls(await open(), temporaryDirectory())
    const result = await callModel(deps, aCall({ scope: aScope({ budgetMicroUsd: 1000 }) }))
    expect(result).toMatchObject({ kind: 'refused', by: 'budget' })
    expect(deps.sent).toEqual([])
  })

  it('refuses an unknown price where a budget applies, unless it is allowed', async () => {
    const database = await open()
    const models = [aModel({ price: null })]
    const scope = aScope({ budgetMicroUsd: 1_000_000 })
    const strict = scriptedCalls(database, temporaryDirectory(), { models })
    expect(await callModel(strict, aCall({ scope }))).toMatchObject({ kind: 'refused', by: 'unpriced' })
    const lax = scriptedCalls(database, temporaryDirectory(), { models, allowUnpriced: true })
    expect(await callModel(lax, aCall({ scope }))).toMatchObject({ kind: 'reply', costMicroUsd: null })
  })

  it('falls back to a model the budget can bear', async () => {
    const dear = { ...roundPrice, outputUsdPerMillion: 1000 }
    const models = [aModel({ modelId: 'dear', price: dear }), aModel({ modelId: 'cheap' })]
    const deps = scriptedCalls(await open(), temporaryDirectory(), { models })
    const result = await callModel(deps, aCall({ scope: aScope({ budgetMicroUsd: 10_000 }) }))
    expect(result).toMatchObject({ kind: 'reply', model: { modelId: 'cheap' } })
  })

  it('calls a local model for nothing under an exhausted budget', async () => {
    const models = [aModel({ local: true, price: null })]
    const deps = scriptedCalls(await open(), temporaryDirectory(), { models })
    const result = await callModel(deps, aCall({ scope: aScope({ budgetMicroUsd: 0 }) }))
    expect(result).toMatchObject({ kind: 'reply', costMicroUsd: 0 })
  })

  it('takes a raised cap from the stored project', async () => {
    const database = await open()
    const deps = scriptedCalls(database, temporaryDirectory())
    await database.db
      .insertInto('projects')
      .values({
        id: 'project-1',
        slug: 'p',
        goal: 'g',
        status: 'active',
        workspace: '/',
        budget_micro_usd: 1_000_000,
        commands: '[]',
        plan_hash: 'h',
        approved_hash: 'h',
        approved_at: 1,
        approved_by: null,
        created_at: 1,
        updated_at: 1,
      })
      .execute()
    expect(await callModel(deps, aCall({ scope: aScope({ budgetMicroUsd: 1 }) }))).toMatchObject({ kind: 'reply' })
  })

  it('runs without accounting where no budget applies, and says so once', async () => {
    const deps = scriptedCalls(await open({ migrate: false }), temporaryDirectory())
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'reply' })
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'reply' })
    expect(deps.warnings).toEqual([expect.stringContaining('model_usage')])
  })

  it('spends nothing without its tables where a budget applies', async () => {
    const deps = scriptedCalls(await open({ migrate: false }), temporaryDirectory())
    const result = await callModel(deps, aCall({ scope: aScope({ budgetMicroUsd: 1_000_000 }) }))
    expect(result).toMatchObject({
      kind: 'refused',
      by: 'accounting',
      hint: expect.stringContaining('orch db migrate'),
    })
    expect(deps.sent).toEqual([])
  })

  it('keeps to the concurrency a provider allows', async () => {
    const database = await open()
    let running = 0
    let most = 0
    const deps = scriptedCalls(database, temporaryDirectory(), {
      models: [aModel({ maxConcurrency: 2 })],
      script: async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return aReply()
      },
    })
    const results = await Promise.all(Array.from({ length: 8 }, () => callModel(deps, aCall())))
    expect(most).toBeLessThanOrEqual(2)
    expect(results.filter(({ kind }) => kind === 'reply').length).toBeGreaterThanOrEqual(2)
  })
})

describe('a call that fails', () => {
  it('passes a cooling model over for one that is not', async () => {
    const { deps } = await withoutTables({
      models: [aModel({ modelId: 'hot' }), aModel({ modelId: 'cool' })],
      health: quietHealth({
        cooldownUntil: async (_provider, model) => (model === 'hot' ? Number.MAX_SAFE_INTEGER : null),
      }),
    })
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'reply', model: { modelId: 'cool' } })
  })

  it('gives the slot back when every model cools for longer than a minute', async () => {
    const { deps } = await withoutTables({
      health: quietHealth({ cooldownUntil: async () => deps.clock.now() + 90_000 }),
    })
    expect(await callModel(deps, aCall())).toMatchObject({
      kind: 'wait',
      waitsFor: 'rate',
      untilMs: deps.clock.now() + 90_000,
    })
    expect(deps.sent).toEqual([])
  })

  it('goes to a larger context when the request is too long for a model', async () => {
    const models = [
      aModel({ modelId: 'a', contextTokens: 50_000 }),
      aModel({ modelId: 'same', contextTokens: 50_000 }),
      aModel({ modelId: 'large', contextTokens: 90_000 }),
    ]
    const { deps } = await withoutTables({
      models,
      script: (call) => (call.modelId === 'large' ? aReply() : aFailure('context')),
    })
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'reply', model: { modelId: 'large' } })
    expect(deps.sent.map(({ call }) => call.modelId)).toEqual(['a', 'large'])
  })

  it('asks once more with twice the output when a reply was cut', async () => {
    const { deps } = await withoutTables({
      script: (_call, { number }) => (number === 1 ? aFailure('truncated') : aReply()),
    })
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'reply' })
    expect(deps.sent.map(({ call }) => call.maxOutputTokens)).toEqual([1000, 2000])
  })

  it('says which models were out and why when none is left', async () => {
    const { deps } = await withoutTables({
      choose: async () => ({ chain: [], excluded: [{ name: 'vendor/small', reason: 'has no tools' }] }),
    })
    const result = await callModel(deps, aCall())
    expect(result).toMatchObject({ kind: 'refused', by: 'no_model', reason: expect.stringContaining('has no tools') })
  })

  it('waits for the first model to cool down when that is all that keeps them out', async () => {
    const { deps } = await withoutTables({
      choose: async () => ({
        chain: [],
        excluded: [
          { name: 'vendor/small', reason: 'has no tools' },
          { name: 'vendor/a', reason: 'it cools down', untilMs: 9000 },
          { name: 'vendor/b', reason: 'it cools down', untilMs: 5000 },
        ],
      }),
    })
    expect(await callModel(deps, aCall())).toMatchObject({ kind: 'wait', waitsFor: 'rate', untilMs: 5000 })
  })

  it('ends as aborted and books the request as unknown', async () => {
    const controller = new AbortController()
    const { deps } = await withoutTables({
      script: () => {
        controller.abort('stop')
        return new Error('aborted')
      },
    })
    expect(await callModel(deps, aCall({ signal: controller.signal }))).toEqual({ kind: 'aborted', sent: true })
  })

  it('lets no secret into reply or spool', async () => {
    const { deps } = await withoutTables({
      redact: (text) => text.replaceAll('sk-canary', '[secret]'),
      script: () =>
        aReply({ text: 'key sk-canary', toolCalls: [{ id: '1', name: 'write', input: { deep: ['sk-canary'] } }] }),
    })
    expect(JSON.stringify(await callModel(deps, aCall()))).not.toContain('sk-canary')
  })
})

async function withoutTables(options: Parameters<typeof scriptedCalls>[2]) {
  const { openDatabase } = await import('../../src/database/connection.ts')
  const { systemClock } = await import('../../src/runtime/clock.ts')
  const { seededRandom } = await import('../../src/runtime/random.ts')
  const database = await openDatabase(':memory:', { clock: systemClock, random: seededRandom(1) })
  const deps = scriptedCalls(database, temporaryDirectory(), options)
  return { deps }
}
