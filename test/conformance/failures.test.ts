import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { OrchError } from '../../src/errors/orch-error.ts'
import { describeEachDatabase, describePostgres, describeSqlite, temporaryDirectory } from '../support/databases.ts'

const row = { key: 'a', value: '', updated_at: 1 }

async function failureOf(database: Database, work: () => Promise<unknown>) {
  try {
    await work()
  } catch (error) {
    return database.dialect.classify(error)
  }
  return 'no failure'
}

describeEachDatabase('a failure', (open) => {
  it('is told apart by the engine’s code', async () => {
    const database = await open()
    const { db } = database
    await db.insertInto('orchestrator_config').values(row).execute()
    const duplicate = () => db.insertInto('orchestrator_config').values(row).execute()
    const missing = (statement: ReturnType<typeof sql>) => () => statement.execute(db)
    const nullValue = () =>
      db
        .insertInto('orchestrator_config')
        .values({ ...row, key: 'b', value: null as never })
        .execute()
    expect(await failureOf(database, duplicate)).toBe('duplicate')
    expect(await failureOf(database, missing(sql`select * from nowhere`))).toBe('missing_object')
    expect(await failureOf(database, missing(sql`select nothing from orchestrator_config`))).toBe('missing_object')
    expect(await failureOf(database, nullValue)).toBe('other')
  })

  it('of a unique index is a duplicate too', async () => {
    const database = await open()
    await sql`create unique index only_one on orchestrator_config (updated_at)`.execute(database.db)
    await database.db.insertInto('orchestrator_config').values(row).execute()
    const again = () =>
      database.db
        .insertInto('orchestrator_config')
        .values({ ...row, key: 'b' })
        .execute()
    expect(await failureOf(database, again)).toBe('duplicate')
  })

  it('of a bug is not mistaken for the database', async () => {
    const database = await open({ migrate: false })
    for (const error of [new TypeError('x'), new Error('x'), 'text', null, undefined, { code: 7 }]) {
      expect(database.dialect.classify(error)).toBe('other')
    }
  })

  it('of a write through a read-only connection is an outage, and nothing is written', async () => {
    const database = await open()
    const reader = await database.connect({ readOnly: true })
    const write = () => reader.db.insertInto('orchestrator_config').values(row).execute()
    expect(await failureOf(reader, write)).toBe('outage')
    expect(await reader.db.selectFrom('orchestrator_config').selectAll().execute()).toEqual([])
  })
})

/** A transaction whose work swallows the failure of its second statement. */
async function ignoreFailure(database: Database): Promise<number> {
  const ignored = database.write(async (trx) => {
    await trx.insertInto('orchestrator_config').values(row).execute()
    await trx
      .insertInto('orchestrator_config')
      .values(row)
      .execute()
      .catch(() => {})
  })
  await ignored.catch((error: unknown) => {
    if (!(error instanceof OrchError)) throw error
  })
  const rows = await database.db.selectFrom('orchestrator_config').select('key').execute()
  await ignored
  return rows.length
}

describeSqlite('an ignored failure inside a transaction', (open) => {
  it('undoes one statement and nothing else', async () => {
    expect(await ignoreFailure(await open())).toBe(1)
  })
})

describePostgres('an ignored failure inside a transaction', (open) => {
  it('is never taken for success, because the server has undone everything', async () => {
    const database = await open()
    await expect(ignoreFailure(database)).rejects.toMatchObject({ code: 'ORCH_DATABASE_FAILED' })
    expect(await database.db.selectFrom('orchestrator_config').select('key').execute()).toEqual([])
  })
})

describePostgres('a server that ends a connection', (open) => {
  it('is an outage for who uses it, and the next call gets a new connection', async () => {
    const database = await open({ migrate: false })
    const other = await database.connect()
    const failure = await failureOf(database, () =>
      database.db.connection().execute(async (one) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(one)
        await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.db)
        await sql`select 1`.execute(one)
      }),
    )
    expect(failure).toBe('outage')
    expect((await sql<{ one: number }>`select 1 as one`.execute(database.db)).rows).toEqual([{ one: 1 }])
  })
})

const options = { clock: systemClock, random: seededRandom(1) }

it.each([
  ['a missing file', () => `${temporaryDirectory()}/missing.db`, 'ORCH_DATABASE_UNREACHABLE'],
  ['a directory', () => temporaryDirectory(), 'ORCH_DATABASE_UNREACHABLE'],
  ['a file that is no database', () => new URL(import.meta.url).pathname, 'ORCH_DATABASE_UNREACHABLE'],
  ['a port nobody listens on', () => 'postgres://nobody@127.0.0.1:1/none', 'ORCH_DATABASE_UNREACHABLE'],
  ['another scheme', () => 'mysql://localhost/x', 'ORCH_USAGE'],
])('opening %s is a clear error', async (_name, url, code) => {
  await expect(openDatabase(url(), options)).rejects.toMatchObject({ code, hint: expect.any(String) })
})

it('an unreachable server is named without its password', async () => {
  const opening = openDatabase('postgres://me:s3cret@127.0.0.1:1/none', options)
  await expect(opening).rejects.toThrow('postgres://me@127.0.0.1:1/none')
  await expect(opening).rejects.not.toThrow('s3cret')
})

it('a schema name that needs quoting is refused', async () => {
  const opening = openDatabase('postgres://me@127.0.0.1:1/none', { ...options, schema: 'x; drop' })
  await expect(opening).rejects.toMatchObject({ code: 'ORCH_USAGE' })
})
