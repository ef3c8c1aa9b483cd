import { expect, it } from 'vitest'
import type { Price } from '../../src/models/model.ts'
import { estimatePlan, type ExpectedModel } from '../../src/planning/estimate-plan.ts'
import { aCommandJob, aJob, aPlan } from '../support/plan-builder.ts'

const price = (inputUsdPerMillion: number, outputUsdPerMillion: number): Price => ({
  inputUsdPerMillion,
  outputUsdPerMillion,
  cachedInputUsdPerMillion: null,
  cacheWriteUsdPerMillion: null,
  priceSource: 'test',
  priceVersion: '1',
})

const plan = aPlan({
  jobs: [
    aCommandJob({ key: 'setup' }),
    aJob({ key: 'own', dependsOn: ['setup'], estimate: { inputTokens: 1_000_000, outputTokens: 100_000 } }),
    aJob({ key: 'usual', dependsOn: ['setup'], executor: 'agent' }),
  ],
})

const withModel = (model: ExpectedModel | null, concurrency = 4) =>
  estimatePlan(plan, { modelFor: async () => model, concurrency })

it('prices the plan’s own tokens, and the executor’s usual ones where it says nothing', async () => {
  const estimate = await withModel({ name: 'lab/m', price: price(1, 10) })
  expect(estimate.jobs).toMatchObject([
    { key: 'setup', model: null, tokens: null, costMicroUsd: 0 },
    { key: 'own', tokenSource: 'plan', costMicroUsd: 2_000_000 },
    {
      key: 'usual',
      tokenSource: 'default',
      tokens: { inputTokens: 60_000, outputTokens: 8000 },
      costMicroUsd: 140_000,
    },
  ])
  expect(estimate).toMatchObject({
    inputTokens: 1_060_000,
    outputTokens: 108_000,
    costMicroUsd: 2_140_000,
    unpricedJobs: 0,
  })
})

it.each([
  ['a model of unknown price', { name: 'lab/m', price: null }],
  ['no model', null],
])('counts jobs with %s as unknown, never as free', async (_name, model) => {
  expect(await withModel(model)).toMatchObject({
    costMicroUsd: 0,
    unpricedJobs: 2,
    jobs: [{}, { costMicroUsd: null }, {}],
  })
})

it('takes the time of a perfect schedule at the given concurrency', async () => {
  const parallel = await withModel(null, 2)
  const serial = await withModel(null, 1)
  expect(parallel.makespanMs).toBe(parallel.criticalPathMs)
  expect(serial.makespanMs).toBe(parallel.jobs.reduce((sum, job) => sum + job.durationMs, 0))
  expect(parallel).toMatchObject({ waves: [['setup'], ['own', 'usual']], width: 2 })
})
