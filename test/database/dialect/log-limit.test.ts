import { statSync } from 'node:fs'
import BetterSqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeSqlite } from '../../support/databases.ts'

const mebibyte = 2 ** 20

describeSqlite('the write-ahead log', (open) => {
  it('is cut as soon as nobody reads what made it long', async () => {
    const database = await open({ migrate: false })
    const logBytes = () => statSync(`${database.url}-wal`).size
    await sql`create table filled (content text)`.execute(database.db)
    const reader = new BetterSqlite(database.url)
    reader.exec('begin')
    reader.prepare('select count(*) from filled').get()
    await database.write((trx) =>
      sql`
        insert into filled
        with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 20)
        select hex(zeroblob(${sql.lit(mebibyte / 2)})) from numbers`.execute(trx),
    )
    expect(logBytes()).toBeGreaterThan(16 * mebibyte)
    const commitSome = async () => {
      for (let commit = 0; commit < 300; commit++) {
        await database.write((trx) => sql`insert into filled values ('x')`.execute(trx))
      }
    }
    await commitSome()
    expect(logBytes(), 'somebody reads it').toBeGreaterThan(16 * mebibyte)
    reader.exec('commit')
    await commitSome()
    expect(logBytes()).toBeLessThan(4 * mebibyte)
    const { rows } = await sql<{ filled: number }>`select count(*) as filled from filled`.execute(database.db)
    expect(rows).toEqual([{ filled: 620 }])
    reader.close()
  })
})
