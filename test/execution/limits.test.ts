import { expect, test } from 'vitest'
import { aScene, runOnce, useTools } from '../support/attempts.ts'
import { describeSqlite } from '../support/databases.ts'
import { aModel, aReply } from '../support/scripted-calls.ts'

const limits = { turns: 40, callTimeoutMs: 600_000, attemptTimeoutMs: 600_000 }

describeSqlite('an attempt', (open) => {
  test('ends as a failed try when its wall time is over, however long its model is silent', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome } = await runOnce(scene, {
      execution: { limits: { ...limits, attemptTimeoutMs: 100 } },
      script: (_call, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        }),
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'limit' }, retryable: true })
  })

  test('ends as a failed try after as many model calls as limits.turns allows', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, {
      execution: { limits: { ...limits, turns: 3 } },
      script: (call) => useTools(['list', { path: '.', depth: call.messages.length }]),
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'limit' } })
    expect(calls.sent).toHaveLength(3)
  })
})

describeSqlite('a project that states no budget', (open) => {
  test('keeps to budget.project_usd', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome, calls } = await runOnce(scene, {
      projectBudgetMicroUsd: 1,
      models: [aModel()],
      script: () => aReply(),
    })
    expect(outcome).toMatchObject({ kind: 'wait', waitsFor: 'budget' })
    expect(calls.sent).toHaveLength(0)
  })
})
