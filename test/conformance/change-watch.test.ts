import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import type { ChangeWatch, WatchOptions } from '../../src/database/dialect/change-watch.ts'
import { PostgresWatch } from '../../src/database/dialect/postgres-watch.ts'
import { SqliteWatch } from '../../src/database/dialect/sqlite-watch.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { describeEachDatabase, describePostgres, describeSqlite, temporaryDirectory } from '../support/databases.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

let writes = 0

/** A commit of the kind that makes work startable. */
async function commit(database: Database): Promise<void> {
  await database.write(async (trx) => {
    const row = { key: `k${(writes += 1)}`, value: '', updated_at: 1 }
    await trx.insertInto('orchestrator_config').values(row).execute()
    await database.dialect.notify(trx)
  })
}

/** A watch that hears, with what led up to it already taken note of. */
async function startWatch(database: Database, options: WatchOptions = {}): Promise<ChangeWatch> {
  const watch = database.watchChanges(options)
  onTestFinished(() => watch.close())
  await expect.poll(() => watch.mode, { interval: 5 }).toBe('hints')
  while (await hearsWithin(watch, 50)) continue
  return watch
}

function hearsWithin(watch: ChangeWatch, ms: number): Promise<boolean> {
  return watch.next(AbortSignal.timeout(ms))
}

describeEachDatabase('a change watch', (open) => {
  it('wakes when another connection commits', async () => {
    const database = await open()
    const other = await database.connect()
    const watch = await startWatch(database)
    for (let round = 0; round < 3; round += 1) {
      const heard = hearsWithin(watch, 5000)
      await commit(other)
      expect(await heard).toBe(true)
    }
  })

  it('misses nothing that was committed while nobody waited', async () => {
    const database = await open()
    const other = await database.connect()
    const watch = await startWatch(database)
    await commit(other)
    expect(await hearsWithin(watch, 5000)).toBe(true)
  })

  it('is not woken by what its own process commits', async () => {
    const database = await open()
    const watch = await startWatch(database)
    for (let round = 0; round < 20; round += 1) await commit(database)
    expect(await hearsWithin(watch, 300)).toBe(false)
  })

  it('is not woken by what is rolled back', async () => {
    const database = await open()
    const other = await database.connect()
    const watch = await startWatch(database)
    const failing = other.write(async (trx) => {
      await trx.insertInto('orchestrator_config').values({ key: 'gone', value: '', updated_at: 1 }).execute()
      await other.dialect.notify(trx)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await hearsWithin(watch, 300)).toBe(false)
  })

  it('stops waiting when it is closed', async () => {
    const watch = await startWatch(await open())
    const waiting = watch.next(new AbortController().signal)
    await watch.close()
    expect(await waiting).toBe(false)
  })
})

describeSqlite('a change watch', (open) => {
  it('goes on where the directory cannot be watched', async () => {
    const database = await open()
    const other = await database.connect()
    const parts = { clock: systemClock, random: seededRandom(1) }
    const watch = new SqliteWatch(database.db, '/nowhere/orch.db', parts)
    onTestFinished(() => watch.close())
    expect(watch.mode).toBe('polls')
    while (await hearsWithin(watch, 10)) continue
    const heard = hearsWithin(watch, 5000)
    await commit(other)
    expect(await heard).toBe(true)
  })

  it('gives up a file watch that never tells', async () => {
    const database = await open()
    const other = await database.connect()
    const instant = { ...systemClock, sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(5, signal) }
    // Watches another directory than the one it believes in.
    const watch = new SqliteWatch(database.db, `${temporaryDirectory()}/orch.db`, {
      clock: instant,
      random: seededRandom(1),
    })
    onTestFinished(() => watch.close())
    while (await hearsWithin(watch, 50)) continue
    for (let round = 0; round < 3; round += 1) {
      expect(watch.mode).toBe('hints')
      const heard = hearsWithin(watch, 5000)
      // Only a slow look counts, and the first looks after the call are none.
      await systemClock.sleep(50)
      await commit(other)
      expect(await heard).toBe(true)
    }
    expect(watch.mode).toBe('polls')
  })
})

describePostgres('a change watch', (open) => {
  it('connects again when its connection is lost, and looks once for what it missed', async () => {
    const other = await open()
    const proxy = await startTcpProxy(other.url)
    onTestFinished(() => proxy.close())
    const watch = await startWatch(await other.connect({ url: proxy.url }))
    proxy.cut()
    expect(await hearsWithin(watch, 5000)).toBe(true)
    const heard = hearsWithin(watch, 5000)
    await commit(other)
    expect(await heard).toBe(true)
  })

  it('finds out that notifications do not arrive, says so once, and leaves the looking to its caller', async () => {
    const database = await open()
    const proxy = await startTcpProxy(database.url, { swallowNotifications: true })
    onTestFinished(() => proxy.close())
    const pooled = await database.connect({ url: proxy.url })
    const said: string[] = []
    const parts = {
      db: pooled.db,
      channel: 'orch_test_pooler',
      sender: 'me',
      onDeaf: (text: string) => said.push(text),
    }
    const watch = new PostgresWatch({
      ...parts,
      clock: systemClock,
      random: seededRandom(1),
      client: { connectionString: proxy.url },
      pace: { checkEveryMs: 50, checkTimeoutMs: 100, longestBackoffMs: 50, deafForMs: 50 },
    })
    onTestFinished(() => watch.close())
    await expect.poll(() => said.length, { interval: 5 }).toBe(1)
    // Long enough for some more tries.
    const before = proxy.accepted()
    await expect.poll(() => proxy.accepted(), { interval: 5 }).toBeGreaterThan(before + 3)
    expect(said).toHaveLength(1)
    expect(watch.mode).toBe('polls')
    expect(watch.lookEveryMs).toBeLessThanOrEqual(250)
  })

  it('notices a connection that no longer answers, and replaces it', async () => {
    const database = await open()
    const proxy = await startTcpProxy(database.url)
    onTestFinished(() => proxy.close())
    const watch = new PostgresWatch({
      db: database.db,
      channel: 'orch_test_silent',
      sender: 'me',
      clock: systemClock,
      random: seededRandom(1),
      client: { connectionString: proxy.url, connectionTimeoutMillis: 200 },
      pace: { checkEveryMs: 50, checkTimeoutMs: 200, longestBackoffMs: 50, deafForMs: 50 },
    })
    onTestFinished(() => watch.close())
    await expect.poll(() => watch.mode, { interval: 5 }).toBe('hints')
    proxy.stall()
    await expect.poll(() => watch.mode, { interval: 5, timeout: 5000 }).toBe('polls')
    proxy.resume()
    await expect.poll(() => watch.mode, { interval: 5, timeout: 5000 }).toBe('hints')
    while (await hearsWithin(watch, 20)) continue
    const heard = hearsWithin(watch, 5000)
    await sql`select pg_notify('orch_test_silent', 'somebody else')`.execute(database.db)
    expect(await heard).toBe(true)
  })
})
