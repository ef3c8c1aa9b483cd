import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { fromJson, toJson } from '../../src/database/json.ts'
import { describeEachDatabase, describePostgres, describeSqlite } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'

const texts = {
  empty: '',
  emoji: 'fine 👩‍🚀 é ß 漢字',
  quotes: `it's "quoted" \\ and ; drop table jobs --`,
  'looks like JSON': '{"answer": 42}',
  lines: 'a\nb\r\n\tc',
  long: 'x'.repeat(100_000),
}

describeEachDatabase('stored values', (open) => {
  it.each(Object.keys(texts))('text comes back as it went: %s', async (name) => {
    const text = texts[name as keyof typeof texts]
    const { db } = await open()
    await db.insertInto('orchestrator_config').values({ key: text, value: text, updated_at: 1 }).execute()
    const row = await db.selectFrom('orchestrator_config').selectAll().executeTakeFirstOrThrow()
    expect([row.key, row.value]).toEqual([text, text])
  })

  it.each([0, -1, 2 ** 31, Date.UTC(2026, 10, 2), Number.MAX_SAFE_INTEGER])(
    '64-bit integer %d is a number again',
    async (n) => {
      const { db } = await open()
      await db.insertInto('orchestrator_config').values({ key: 'n', value: '', updated_at: n }).execute()
      const row = await db.selectFrom('orchestrator_config').select('updated_at').executeTakeFirstOrThrow()
      expect(row.updated_at).toBe(n)
    },
  )

  it('sums and counts are numbers', async () => {
    const { db } = await open()
    for (const key of ['a', 'b']) {
      await db.insertInto('orchestrator_config').values({ key, value: '', updated_at: 3_000_000_000 }).execute()
    }
    const row = await db
      .selectFrom('orchestrator_config')
      .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.sum<number>('updated_at').as('total')])
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ rows: 2, total: 6_000_000_000 })
  })

  it('null is null', async () => {
    const { db } = await open()
    const row = { id: 'p', label: 'P', kind: 'rehearsal', enabled: 1, created_at: 1, updated_at: 1 }
    await db
      .insertInto('provider_config')
      .values({ ...row, base_url: null } as never)
      .execute()
    const stored = await db.selectFrom('provider_config').selectAll().executeTakeFirstOrThrow()
    expect([stored.base_url, stored.max_concurrency, stored.enabled]).toEqual([null, null, 1])
  })

  it('JSON survives, NUL bytes become the replacement character', async () => {
    const { db } = await open()
    const value = { list: [1, 'two', null], nested: { text: 'a\u0000b', emoji: '👩‍🚀' } }
    await db
      .insertInto('orchestrator_config')
      .values({ key: 'j', value: toJson(value), updated_at: 1 })
      .execute()
    const row = await db.selectFrom('orchestrator_config').select('value').executeTakeFirstOrThrow()
    expect(fromJson(row.value)).toEqual({ list: [1, 'two', null], nested: { text: 'a\ufffdb', emoji: '👩‍🚀' } })
  })
})

describeSqlite('time', (open) => {
  it('is this machine’s', async () => {
    const clock = new FakeClock()
    const database = await open({ migrate: false, clock })
    await clock.advance(1500)
    expect(await database.now()).toBe(clock.now())
  })
})

describePostgres('time', (open) => {
  it('is the server’s, in whole milliseconds, and goes on inside a transaction', async () => {
    const database = await open({ migrate: false, clock: new FakeClock({ startMs: 0 }) })
    const [first, second] = await database.write(async (trx) => {
      const before = await database.dialect.now(trx)
      await sql`select pg_sleep(0.02)`.execute(trx)
      return [before, await database.dialect.now(trx)] as const
    })
    expect(Number.isInteger(first)).toBe(true)
    expect(first).toBeGreaterThan(1_600_000_000_000)
    expect(second - first).toBeGreaterThanOrEqual(15)
  })
})

describe('JSON columns', () => {
  it('keep null as null', () => {
    expect(fromJson(null)).toBeNull()
  })
})
