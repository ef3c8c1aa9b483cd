import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import type { Trx } from '../../src/database/dialect/dialect.ts'
import { describeEachDatabase } from '../support/databases.ts'

function setting(key: string, value: string) {
  return { key, value, updated_at: 1 }
}

async function values({ db }: Database): Promise<readonly string[]> {
  const rows = await db.selectFrom('orchestrator_config').select('value').orderBy('key').execute()
  return rows.map(({ value }) => value)
}

async function readCounter(trx: Trx): Promise<number> {
  const row = await trx.selectFrom('orchestrator_config').select('value').where('key', '=', 'n').executeTakeFirst()
  return Number(row?.value ?? 0)
}

describeEachDatabase('a write transaction', (open) => {
  it('commits all of its work and returns its value', async () => {
    const database = await open()
    const answer = await database.write(async (trx) => {
      await trx
        .insertInto('orchestrator_config')
        .values([setting('a', '1'), setting('b', '2')])
        .execute()
      return 42
    })
    expect(answer).toBe(42)
    expect(await values(database)).toEqual(['1', '2'])
  })

  it('keeps nothing when its work throws, and passes the error on', async () => {
    const database = await open()
    const run = database.write(async (trx) => {
      await trx.insertInto('orchestrator_config').values(setting('a', '1')).execute()
      throw new RangeError('stop')
    })
    await expect(run).rejects.toThrow(RangeError)
    expect(await values(database)).toEqual([])
  })

  it('is repeated as a whole while it meets contention', async () => {
    const database = await open()
    let rounds = 0
    await database.write(async (trx) => {
      rounds += 1
      await trx
        .insertInto('orchestrator_config')
        .values(setting(`round ${rounds}`, String(rounds)))
        .execute()
      const code = database.dialect.skipsLocked ? '40001' : 'SQLITE_BUSY_SNAPSHOT'
      if (rounds < 3) throw Object.assign(new Error('contention'), { code })
    })
    expect(await values(database)).toEqual(['3'])
  })

  it('does not repeat what is no contention', async () => {
    const database = await open()
    let rounds = 0
    const run = database.write(async (trx) => {
      rounds += 1
      await trx
        .insertInto('orchestrator_config')
        .values([setting('a', '1'), setting('a', '2')])
        .execute()
    })
    await expect(run).rejects.toThrow()
    expect(rounds).toBe(1)
  })

  it('survives two writers that want the same rows in opposite order', async () => {
    const database = await open()
    const other = await database.connect()
    await database.db
      .insertInto('orchestrator_config')
      .values([setting('a', '0'), setting('b', '0')])
      .execute()
    const bump = (trx: Trx, key: string) =>
      trx
        .updateTable('orchestrator_config')
        .set({ updated_at: sql`updated_at + 1` })
        .where('key', '=', key)
        .execute()
    const inOrder = (connection: Database, keys: readonly [string, string]) =>
      connection.write(async (trx) => {
        await bump(trx, keys[0])
        await pause(30)
        await bump(trx, keys[1])
      })
    await Promise.all([inOrder(database, ['a', 'b']), inOrder(other, ['b', 'a'])])
    const rows = await database.db.selectFrom('orchestrator_config').select('updated_at').execute()
    expect(rows.map((row) => row.updated_at)).toEqual([3, 3])
  })

  it('waits for another connection that holds the write lock', async () => {
    const database = await open()
    const other = await database.connect()
    const order: string[] = []
    const first = other.write(async (trx) => {
      await trx.insertInto('orchestrator_config').values(setting('n', '1')).execute()
      await pause(60)
      order.push('first')
    })
    await pause(15)
    await database.write(async (trx) => {
      await trx
        .insertInto('orchestrator_config')
        .values(setting('n', '2'))
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: '2' }))
        .execute()
      order.push('second')
    })
    await first
    expect([...order.slice(-1), ...(await values(database))]).toEqual(['second', '2'])
  })

  it('loses no update under the limits lock, with 8 writers on 4 connections', async () => {
    const database = await open()
    const connections = [database, await database.connect(), await database.connect(), await database.connect()]
    await database.db.insertInto('orchestrator_config').values(setting('n', '0')).execute()
    const increment = (connection: Database) =>
      connection.write(async (trx) => {
        await connection.dialect.lockLimits(trx)
        const next = String((await readCounter(trx)) + 1)
        await trx.updateTable('orchestrator_config').set({ value: next }).where('key', '=', 'n').execute()
      })
    await Promise.all([...connections, ...connections].map(increment))
    expect(await values(database)).toEqual(['8'])
  })

  it('lets a single statement outside a transaction wait as well', async () => {
    const database = await open()
    const other = await database.connect()
    const first = other.write(async (trx) => {
      await trx.insertInto('orchestrator_config').values(setting('a', '1')).execute()
      await pause(40)
    })
    await pause(10)
    await database.db.insertInto('orchestrator_config').values(setting('b', '2')).execute()
    await first
    expect(await values(database)).toEqual(['1', '2'])
  })
})
