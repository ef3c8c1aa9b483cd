import { expect, test } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { insertUsage, type UsageRecord } from '../../src/database/repositories/usage-repository.ts'
import { usageGroupings, type UsageSums } from '../../src/domain/usage.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { formatCost, reportUsage } from '../../src/usage/usage-report.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { missingTables, presentTables } from '../support/table-probe.ts'
import { aUsage } from '../support/usage-records.ts'

const tables = presentTables

async function record(database: Database, ...records: readonly UsageRecord[]): Promise<void> {
  await database.write(async (trx) => {
    for (const one of records) await insertUsage(trx, one)
  })
}

const simulated = { source: 'simulated', costMicroUsd: 0, providerId: 'rehearsal' } as const
const bounded = { source: 'unknown', costMicroUsd: null, boundMicroUsd: 400_000 } as const
const unknown = { source: 'unknown', costMicroUsd: null, inputTokens: null, outputTokens: null } as const

describeEachDatabase('the usage report', (open) => {
  test('totals by project, role, model, provider and day are the same', async () => {
    const database = await open()
    const random = seededRandom(7)
    const pick = <T>(...values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T
    const records = Array.from({ length: 200 }, () =>
      aUsage({
        projectId: pick('project-a', 'project-b', null),
        role: pick('engineer', 'writer', null),
        modelId: pick('small', 'large'),
        createdAt: Date.UTC(2026, 10, 1) + Math.floor(random.next() * 10 * 86_400_000),
        inputTokens: pick(null, 0, 1_234, 3_000_000_000),
        outputTokens: pick(null, 77),
        cachedInputTokens: pick(null, 12),
        providerId: pick('openai', 'anthropic'),
        ...pick<Partial<UsageRecord>>(
          {},
          { costMicroUsd: 3 },
          { costMicroUsd: 4_000_000_000_000 },
          simulated,
          bounded,
          unknown,
        ),
      }),
    )
    await record(database, ...records)
    const reports = await Promise.all(
      usageGroupings.map((by) => reportUsage({ database, tables }, { by, sinceMs: null })),
    )
    const [first, ...others] = reports.map(({ total }) => total)
    for (const other of others) expect(other).toEqual(first)
    const real = records.filter((one) => one.source !== 'simulated')
    expect(first).toMatchObject({
      requests: real.length,
      simulatedRequests: 200 - real.length,
      costMicroUsd: real.reduce((sum, one) => sum + (one.costMicroUsd ?? 0), 0),
      inputTokens: real.reduce((sum, one) => sum + (one.inputTokens ?? 0), 0),
      unknownRequests: real.filter((one) => one.costMicroUsd === null && one.boundMicroUsd === null).length,
    })
  })

  test('keeps simulated, bounded and unknown calls apart from what was spent', async () => {
    const database = await open()
    await record(database, aUsage(), aUsage(simulated), aUsage(bounded), aUsage(unknown))
    const { total } = await reportUsage({ database, tables }, { by: 'project', sinceMs: null })
    expect(total).toMatchObject({
      requests: 3,
      uncounted: 1,
      inputTokens: 2000,
      pricedRequests: 1,
      costMicroUsd: 10_000,
      boundedRequests: 1,
      boundMicroUsd: 400_000,
      unknownRequests: 1,
      simulatedRequests: 1,
      simulatedTokens: 1100,
    })
  })

  test('names groups: slugs, `provider/model`, days in UTC and in order', async () => {
    const database = await open()
    await database.db
      .insertInto('projects')
      .values({
        id: 'project-a',
        slug: 'todo-api',
        goal: 'g',
        status: 'active',
        workspace: '/w',
        budget_micro_usd: null,
        commands: '[]',
        plan_hash: '',
        approved_hash: null,
        approved_at: null,
        approved_by: null,
        created_at: 1,
        updated_at: 1,
      })
      .execute()
    const midnight = Date.UTC(2026, 10, 3)
    await record(
      database,
      aUsage({ createdAt: midnight }),
      aUsage({ createdAt: midnight - 1, costMicroUsd: 99_000 }),
      aUsage({ projectId: null, role: null, modelId: 'x/y', createdAt: midnight, costMicroUsd: 1 }),
    )
    const keys = async (by: (typeof usageGroupings)[number]) =>
      (await reportUsage({ database, tables }, { by, sinceMs: null })).rows.map((row) => row.key)
    expect(await keys('project')).toEqual(['todo-api', null])
    expect(await keys('role')).toEqual(['engineer', null])
    expect(await keys('model')).toEqual(['openai/gpt-5', 'openai/x/y'])
    expect(await keys('day')).toEqual(['2026-11-02', '2026-11-03'])
    const noProjects = { database, tables: missingTables('projects') }
    const { rows } = await reportUsage(noProjects, { by: 'project', sinceMs: null })
    expect(rows.map((row) => row.key)).toEqual(['project-a', null])
  })

  test('since includes its own moment', async () => {
    const database = await open()
    await record(database, aUsage({ createdAt: 999 }), aUsage({ createdAt: 1000 }))
    expect(await reportUsage({ database, tables }, { by: 'day', sinceMs: 1000 })).toMatchObject({
      total: { requests: 1 },
    })
  })

  test('is empty without its table', async () => {
    const database = await open({ migrate: false })
    const report = await reportUsage({ database, tables: missingTables('model_usage') }, { by: 'day', sinceMs: null })
    expect(report).toMatchObject({ rows: [], total: { requests: 0 } })
  })
})

test.each([
  [{ pricedRequests: 2, costMicroUsd: 1_200_000 }, '$1.20'],
  [{ pricedRequests: 2, costMicroUsd: 1_200_000, unknownRequests: 3 }, '$1.20 + 3 unknown'],
  [{ pricedRequests: 1, costMicroUsd: 0, boundedRequests: 1, boundMicroUsd: 400_000 }, '$0.00 + <= $0.40'],
  [{ unknownRequests: 1 }, '1 unknown'],
  [{ boundedRequests: 1, boundMicroUsd: 5 }, '<= $0.000005'],
  [{}, '-'],
])('money is shown as it is known: %j is %s', (fields, text) => {
  const nothing = { pricedRequests: 0, costMicroUsd: 0, boundedRequests: 0, boundMicroUsd: 0, unknownRequests: 0 }
  expect(formatCost({ ...nothing, ...fields } as UsageSums)).toBe(text)
})
