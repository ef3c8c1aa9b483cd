import { renameSync, rmSync } from 'node:fs'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { describePostgres, describeSqlite } from '../support/databases.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

let keys = 0

function write(database: Database): Promise<unknown> {
  const row = { key: `k${(keys += 1)}`, value: '', updated_at: 1 }
  return database.write((trx) => trx.insertInto('orchestrator_config').values(row).execute())
}

async function causeOf(database: Database, work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return 'none'
  } catch (error) {
    return database.dialect.classify(error) === 'other' ? String(error) : database.dialect.causeOf(error)
  }
}

/** Longer than the file's place is taken for granted. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 120))

describeSqlite('a file', (open) => {
  it('that is not where it was is not written to, and is used again when it is back', async () => {
    const database = await open()
    await write(database)
    renameSync(database.url, `${database.url}.away`)
    await aWhile()
    expect(await causeOf(database, () => write(database))).toBe('file')
    renameSync(`${database.url}.away`, database.url)
    await write(database)
    expect(await database.db.selectFrom('orchestrator_config').select('key').execute()).toHaveLength(2)
  })

  it('that another one has replaced is left for the new one', async () => {
    const database = await open()
    await write(database)
    for (const suffix of ['', '-wal', '-shm']) rmSync(database.url + suffix, { force: true })
    const other = new SqliteFile(database.url)
    other.exec('create table only_here (a)')
    other.close()
    await aWhile()
    expect([...(await database.dialect.shape(database.db)).keys()]).toEqual(['only_here'])
  })

  it('that somebody keeps locked is waited for, no longer than a moment by a process in a hurry', async () => {
    const database = await open()
    const foreign = new SqliteFile(database.url)
    onTestFinished(() => void foreign.close())
    foreign.exec('begin exclusive')
    const waiting = causeOf(database, () => write(database))
    database.hurry()
    expect(await waiting).toBe('locked')
    foreign.exec('rollback')
    await write(database)
  })
})

describePostgres('a server', (open) => {
  it('that keeps the connection and answers nothing is found out and left', async () => {
    const real = await open()
    const proxy = await startTcpProxy(real.url)
    onTestFinished(() => proxy.close())
    const database = await real.connect({ url: proxy.url })
    await write(database)
    proxy.stall()
    const startedAt = performance.now()
    expect(await causeOf(database, () => write(database))).toBe('silent')
    // Generous for a busy machine; without the watch this would never end.
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    proxy.resume()
    await write(database)
  }, 40_000)

  it('that works long on a query is not taken for a silent one', async () => {
    const database = await open()
    expect(await causeOf(database, () => sql`select pg_sleep(3.2)`.execute(database.db))).toBe('none')
  }, 20_000)

  it('that hangs does not hold up the end of the process', async () => {
    const real = await open()
    const proxy = await startTcpProxy(real.url)
    onTestFinished(() => proxy.close())
    const database = await real.connect({ url: proxy.url })
    await write(database)
    proxy.stall()
    await database.close()
    expect(proxy.open()).toBeLessThanOrEqual(1)
  }, 20_000)
})
