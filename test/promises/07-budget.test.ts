import { expect, it } from 'vitest'
import { callModel } from '../../src/calls/paid-call.ts'
import type { Trx } from '../../src/database/dialect/dialect.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { aReply, aScope, scriptedCalls } from '../support/scripted-calls.ts'

const capMicroUsd = 40_000
const workers = 16
const callsEach = 4

describeEachDatabase('promise 7: spent + reserved never pass the cap', (open) => {
  it.each([1, 2])('with 16 callers at once, seed %i', async (seed) => {
    const database = await open()
    const random = seededRandom(seed)
    let most = 0
    const held = () => database.write((trx) => spentAndReserved(trx))
    const deps = scriptedCalls(database, temporaryDirectory(), {
      script: async () => {
        const outputTokens = Math.floor(random.next() * 1000)
        await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, await held())
        return aReply({
          usage: {
            inputTokens: 50,
            outputTokens,
            cachedInputTokens: null,
            cacheWriteTokens: null,
            reasoningTokens: null,
          },
        })
      },
    })
    const request = {
      system: '',
      messages: [{ role: 'user', text: 'x' }],
      tools: [],
      schema: null,
      maxOutputTokens: 1000,
    } as const
    const scope = aScope({ budgetMicroUsd: capMicroUsd })
    const signal = new AbortController().signal
    const work = Array.from({ length: workers }, async () => {
      const kinds: string[] = []
      for (let call = 0; call < callsEach; call++) {
        const result = await callModel(deps, { scope, request, signal, model: { role: null, needs: [], pin: null } })
        kinds.push(result.kind)
      }
      return kinds
    })
    const kinds = (await Promise.all(work)).flat()
    expect(most).toBeLessThanOrEqual(capMicroUsd)
    expect(await held()).toBeLessThanOrEqual(capMicroUsd)
    expect(kinds).toContain('refused')
    // A cap that is never reached because of fear is no cap: at most one bound is left over.
    expect(await held()).toBeGreaterThan(capMicroUsd * 0.8)
    const unsettled = await database.db
      .selectFrom('reservations')
      .select('id')
      .where('settled_at', 'is', null)
      .execute()
    expect(unsettled).toEqual([])
  })
})

async function spentAndReserved(trx: Trx): Promise<number> {
  const usage = await trx.selectFrom('model_usage').select(['cost_micro_usd']).execute()
  const open = await trx.selectFrom('reservations').select('bound_micro_usd').where('settled_at', 'is', null).execute()
  const amounts = [...usage.map((row) => row.cost_micro_usd), ...open.map((row) => row.bound_micro_usd)]
  return amounts.reduce<number>((sum, amount) => sum + (amount ?? 0), 0)
}
