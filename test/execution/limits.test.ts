import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { executeAttempt } from '../../src/execution/execute-attempt.ts'
import type { ExecutionLimits } from '../../src/execution/execution-deps.ts'
import { noVitals, Watchdog } from '../../src/execution/watchdog.ts'
import {
  aScene,
  claimAttempt,
  executionDeps,
  rescue,
  runOnce,
  turnOf,
  usualLimits,
  useTools,
  type Scene,
} from '../support/attempts.ts'
import { describeEachDatabase, describeSqlite } from '../support/databases.ts'
import { aModel, aReply, scriptedCalls, someUsage, type Script } from '../support/scripted-calls.ts'

/** A model that answers only when its call is given up. */
const silent: Script = (_call, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })

/** Each call lists something else and is counted as a million input tokens: one dollar. */
const dear: Script = (call) => ({
  ...useTools(['list', { path: '.', depth: turnOf(call) + 1 }]),
  usage: { ...someUsage, inputTokens: 1_000_000, outputTokens: 0 },
})

function withLimits(limits: Partial<ExecutionLimits>) {
  return { execution: { limits: { ...usualLimits, ...limits } } }
}

function jobLimits(change: Partial<ExecutionLimits['job']>) {
  return withLimits({ job: { ...usualLimits.job, ...change } })
}

async function dropUsage({ database }: Scene): Promise<void> {
  await sql`drop table model_usage`.execute(database.db)
}

describeSqlite('an attempt', (open) => {
  test('ends as a failed try when its wall time is over, however long its model is silent', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome } = await runOnce(scene, { ...withLimits({ attemptTimeoutMs: 100 }), script: silent })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'time_limit' }, retryable: true })
    expect(outcome).toMatchObject({ failure: { message: expect.stringContaining('100 ms (limits.job_timeout_ms)') } })
  })

  test('ends as a failed try when a stated silence is over, and says what it waited for', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const silence = { most: 100, stated: true }
    const { outcome } = await runOnce(scene, { ...withLimits({ silence }), script: silent })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'silence_limit' }, retryable: true })
    expect(outcome).toMatchObject({
      failure: { message: expect.stringMatching(/limits\.job_silence_ms.*vendor\/small/) },
    })
  })

  test('kills a quiet command with its tree when a stated silence is over', async () => {
    const run = ['sh', '-c', 'setsid sleep 60 & sleep 60'] as const
    const scene = await aScene(await open(), { executor: 'command', run })
    const { outcome } = await runOnce(scene, withLimits({ silence: { most: 300, stated: true } }))
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'silence_limit' } })
    expect(outcome).toMatchObject({ failure: { message: expect.stringContaining('the command sh') } })
  })

  test('may be as quiet as the timeout of its call where nobody stated a silence', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome } = await runOnce(scene, {
      ...withLimits({ silence: { most: 1000, stated: false }, callTimeoutMs: 5000 }),
      script: async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500))
        return aReply()
      },
    })
    expect(outcome).toMatchObject({ kind: 'completed' })
  })

  test('ends as a failed try after as many model calls as limits.turns allows', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, { ...withLimits({ turns: 3 }), script: dear })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'turn_limit' } })
    expect(calls.sent).toHaveLength(3)
  })
})

test('a watchdog lets work go on that shows signs of life, and does not count waiting for the database', async () => {
  const limits = { attemptTimeoutMs: 60_000, silence: { most: 500, stated: true } }
  const watchdog = new Watchdog(limits)
  const until = performance.now() + 1200
  while (performance.now() < until) {
    watchdog.alive('a loop')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await watchdog.outsideTime(() => new Promise((resolve) => setTimeout(resolve, 1200)))
  expect(watchdog.signal.aborted).toBe(false)
  watchdog.close()
  expect(await noVitals.outsideTime(async () => 'written')).toBe('written')
})

describeEachDatabase('what one job may consume', (open) => {
  test('in money is kept before each call, over all its tries, and is not retried blindly', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const options = { ...jobLimits({ microUsd: { most: 2_500_000, stated: true } }), script: dear }
    const first = await runOnce(scene, options)
    expect(first.calls.sent).toHaveLength(3)
    expect(first.outcome).toMatchObject({ kind: 'failed', retryable: false, failure: { errorClass: 'money_limit' } })
    expect(first.outcome).toMatchObject({
      failure: { message: expect.stringMatching(/\$2\.50 \(limits\.job_usd\): \$3\.00 spent in all its tries/) },
    })
    await scene.database.db.updateTable('jobs').set({ try: 2 }).where('project_id', '=', scene.slug).execute()
    await rescue(scene)
    const second = await runOnce(scene, options)
    expect(second.outcome).toMatchObject({ failure: { errorClass: 'money_limit' } })
    expect(second.calls.sent).toHaveLength(0)
  })

  test('in tokens is kept before each call', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const tokens = { most: 1_500_000, stated: false }
    const { outcome, calls } = await runOnce(scene, { ...jobLimits({ tokens }), script: dear })
    expect(outcome).toMatchObject({ kind: 'failed', retryable: false, failure: { errorClass: 'token_limit' } })
    expect(outcome).toMatchObject({ failure: { message: expect.stringContaining('limits.job_tokens') } })
    expect(calls.sent).toHaveLength(2)
  })

  test("is not another job's business", async () => {
    const database = await open()
    const limits = jobLimits({ microUsd: { most: 2_500_000, stated: true } })
    await runOnce(await aScene(database, { executor: 'agent' }), { ...limits, script: dear })
    const { calls } = await runOnce(await aScene(database, { executor: 'agent' }), { ...limits, script: dear })
    expect(calls.sent).toHaveLength(3)
  })

  test('costs nothing where models are free, however little may be spent', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome } = await runOnce(scene, {
      ...jobLimits({ microUsd: { most: 0, stated: true } }),
      models: [aModel({ local: true })],
    })
    expect(outcome).toMatchObject({ kind: 'completed' })
  })

  test('buys nothing at an unknown price where a limit was stated; a default one is named as not kept', async () => {
    const database = await open()
    const models = [aModel({ price: null })]
    const stated = jobLimits({ microUsd: { most: 10_000_000, stated: true } })
    const refused = await runOnce(await aScene(database, { executor: 'llm' }), { ...stated, models })
    expect(refused.outcome).toMatchObject({ kind: 'wait', reason: expect.stringContaining('limits.job_usd') })
    expect(refused.calls.sent).toHaveLength(0)
    const usual = await runOnce(await aScene(database, { executor: 'llm' }), { models })
    expect(usual.outcome).toMatchObject({ kind: 'completed' })
    expect(usual.calls.warnings.join()).toContain('limits.job_usd cannot be kept')
  })

  test('spends nothing without the usage table where a limit was stated; a default one is named as not kept', async () => {
    const database = await open()
    const scene = await aScene(database, { executor: 'llm' })
    const other = await aScene(database, { executor: 'llm' })
    await dropUsage(scene)
    const refused = await runOnce(scene, jobLimits({ tokens: { most: 10_000_000, stated: true } }))
    expect(refused.outcome).toMatchObject({ kind: 'wait', reason: expect.stringContaining('limits.job_tokens is set') })
    expect(refused.calls.sent).toHaveLength(0)
    const usual = await runOnce(other, {})
    expect(usual.outcome).toMatchObject({ kind: 'completed' })
    expect(usual.calls.warnings.join()).toContain('limits.job_tokens and limits.job_usd cannot be kept')
  })
})

describeEachDatabase('an agent that alternates between two calls', (open) => {
  const paths = ['a.txt', 'b.txt']
  const alternating: Script = (call) => useTools(['read', { path: paths[turnOf(call) % 2] }])

  test('is stopped when each came twice; the failure names both', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, { script: alternating })
    expect(calls.sent).toHaveLength(4)
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'repetition' } })
    expect(outcome).toMatchObject({ failure: { message: expect.stringMatching(/a\.txt.*b\.txt/) } })
  })

  test('is stopped at the same call when it was interrupted meanwhile', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const controller = new AbortController()
    const attempt = await claimAttempt(scene, controller)
    const interrupted = scriptedCalls(scene.database, scene.spoolDir, {
      script: (call, turn) => {
        if (turn.number === 4) controller.abort('stop')
        return turn.number === 4 ? new Error('cut off') : alternating(call, turn)
      },
    })
    expect(await executeAttempt(executionDeps(interrupted), attempt)).toMatchObject({ kind: 'released' })
    await rescue(scene)
    const { outcome, calls } = await runOnce(scene, { script: alternating })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'repetition' } })
    expect(calls.sent).toHaveLength(1)
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
