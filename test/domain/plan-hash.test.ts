import { describe, expect, it } from 'vitest'
import { planHash } from '../../src/domain/plan-hash.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'

describe('planHash', () => {
  const plan = aPlan({ jobs: [aJob({ key: 'a' }), aJob({ key: 'b', dependsOn: ['a'] })] })

  it('is the same whatever order the keys and jobs are written in', () => {
    const reversed = Object.fromEntries(Object.entries(plan).toReversed()) as unknown as typeof plan
    expect(planHash({ ...reversed, jobs: plan.jobs.toReversed() })).toBe(planHash(plan))
  })

  it('does not cover estimates', () => {
    const estimated = plan.jobs.map((job) => ({ ...job, estimate: { inputTokens: 1, outputTokens: 2 } }))
    expect(planHash({ ...plan, jobs: estimated })).toBe(planHash(plan))
  })

  it.each([
    ['goal', { goal: 'A sample project.' }],
    ['budget', { budgetMicroUsd: 1 }],
    ['workspace', { workspace: '/' }],
    ['commands', { commands: [['npm', 'test']] as const }],
    ['a job', { jobs: [aJob({ key: 'a', title: 'A jab' }), ...plan.jobs.slice(1)] }],
    ['an edge', { jobs: plan.jobs.map((job) => ({ ...job, dependsOn: [] })) }],
  ])('changes with %s', (_name, change) => {
    expect(planHash({ ...plan, ...change })).not.toBe(planHash(plan))
  })
})
