import { expect, it } from 'vitest'
import { callModel } from '../../src/calls/paid-call.ts'
import type { Database } from '../../src/database/connection.ts'
import { usageGroupings } from '../../src/domain/usage.ts'
import type { Model } from '../../src/models/model.ts'
import type { ModelReply, TokenUsage } from '../../src/providers/model-client.ts'
import { formatCost, reportUsage } from '../../src/usage/usage-report.ts'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { aFailure, aModel, aReply, aScope, roundPrice, scriptedCalls, someUsage } from '../support/scripted-calls.ts'
import { presentTables } from '../support/table-probe.ts'

const uncounted: TokenUsage = { ...someUsage, inputTokens: null, outputTokens: null }

async function call(database: Database, model: Model, answer: ModelReply | Error = aReply()): Promise<void> {
  const deps = scriptedCalls(database, temporaryDirectory(), { models: [model], script: () => answer })
  const messages = [{ role: 'user', text: 'x' }] as const
  await callModel(deps, {
    scope: aScope(),
    model: { role: null, needs: [], pin: null },
    request: { system: '', messages, tools: [], schema: null, maxOutputTokens: 10 },
    signal: new AbortController().signal,
  })
}

async function total(database: Database) {
  return (await reportUsage({ database, tables: presentTables }, { by: 'project', sinceMs: null })).total
}

const local = aModel({ id: 'ollama', kind: 'ollama', local: true, price: null })
const rehearsal = aModel({ id: 'rehearsal', kind: 'rehearsal', local: true, price: null })

describeEachDatabase('promise 8: truth in money', (open) => {
  it('a known cost is shown to the micro-dollar', async () => {
    const database = await open()
    await call(database, aModel())
    await call(database, aModel())
    // Twice 100 input tokens at 1 and 10 output tokens at 2 micro-dollars.
    expect(await total(database)).toMatchObject({ requests: 2, costMicroUsd: 240, pricedRequests: 2 })
    expect(formatCost(await total(database))).toBe('$0.000240')
  })

  it('a cost without a price is unknown, never zero', async () => {
    const database = await open()
    await call(database, aModel({ price: null }))
    expect(formatCost(await total(database))).toBe('1 unknown')
    await call(database, aModel())
    expect(formatCost(await total(database))).toBe('$0.000120 + 1 unknown')
  })

  it('a cost without counts is shown as a bound, and the bound covers what it can have been', async () => {
    const database = await open()
    await call(database, aModel(), aReply({ usage: uncounted }))
    const sums = await total(database)
    expect(sums).toMatchObject({ pricedRequests: 0, boundedRequests: 1, unknownRequests: 0, uncounted: 1 })
    expect(sums.boundMicroUsd).toBeGreaterThanOrEqual(2 * 10)
    expect(formatCost(sums)).toMatch(/^<= \$0\.0000\d\d$/)
  })

  it('what a local model does costs nothing and counts; what is simulated does not count at all', async () => {
    const database = await open()
    await call(database, local)
    expect(await total(database)).toMatchObject({ requests: 1, costMicroUsd: 0, pricedRequests: 1 })
    await call(database, rehearsal)
    expect(await total(database)).toMatchObject({ requests: 1, inputTokens: 100, simulatedRequests: 1 })
  })

  it('past rows never change when prices do', async () => {
    const database = await open()
    await call(database, aModel())
    const dear = { ...roundPrice, inputUsdPerMillion: 100, priceVersion: '2' }
    await call(database, aModel({ price: dear }))
    const rows = await database.db
      .selectFrom('model_usage')
      .select(['cost_micro_usd', 'price_source', 'price_version'])
      .orderBy('cost_micro_usd')
      .execute()
    expect(rows).toEqual([
      { cost_micro_usd: 120, price_source: 'test', price_version: '1' },
      { cost_micro_usd: 10_020, price_source: 'test', price_version: '2' },
    ])
  })

  it('every way of grouping adds up to the same truth', async () => {
    const database = await open()
    for (const model of [aModel(), aModel({ id: 'other' }), aModel({ price: null }), local, rehearsal]) {
      await call(database, model)
      await call(database, model, aReply({ usage: uncounted }))
      await call(database, model, aFailure('request'))
    }
    const reports = await Promise.all(
      usageGroupings.map((by) => reportUsage({ database, tables: presentTables }, { by, sinceMs: null })),
    )
    const stored = await database.db.selectFrom('model_usage').select('source').execute()
    const real = stored.filter(({ source }) => source !== 'simulated')
    for (const { total: sums } of reports) {
      expect(sums).toEqual(reports[0]?.total)
      expect(sums.requests).toBe(real.length)
      expect(sums.pricedRequests + sums.boundedRequests + sums.unknownRequests).toBe(sums.requests)
    }
  })
})
