import { expect, it } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { describeEachDatabase } from '../support/databases.ts'

function setting(database: Database, key: string, fail = false): Promise<string> {
  return database.write(async (trx) => {
    await trx.insertInto('orchestrator_config').values({ key, value: '1', updated_at: 1 }).execute()
    if (fail) throw new Error(`${key} went wrong`)
    return key
  })
}

describeEachDatabase('writes that are asked for together', (open) => {
  it('are all done, each with its own answer', async () => {
    const database = await open()
    const keys = Array.from({ length: 120 }, (_, index) => `k${index}`)
    expect(await Promise.all(keys.map((key) => setting(database, key)))).toEqual(keys)
    expect(await database.db.selectFrom('orchestrator_config').select('key').execute()).toHaveLength(120)
  })

  it('fail alone: the others are kept, and nothing of the failed one is', async () => {
    const database = await open()
    const results = await Promise.allSettled(['a', 'b', 'c'].map((key) => setting(database, key, key === 'b')))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const rows = await database.db.selectFrom('orchestrator_config').select('key').orderBy('key').execute()
    expect(rows.map(({ key }) => key)).toEqual(['a', 'c'])
  })

  it('are seen by other connections only when their promise has resolved', async () => {
    const database = await open()
    const other = await database.connect()
    const count = async () => (await other.db.selectFrom('orchestrator_config').select('key').execute()).length
    await Promise.all([setting(database, 'a'), setting(database, 'b')])
    expect(await count()).toBe(2)
    await expect(setting(database, 'c', true)).rejects.toThrow('c went wrong')
    expect(await count()).toBe(2)
  })
})
