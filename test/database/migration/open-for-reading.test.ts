import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openForReading } from '../../../src/database/migration/open-for-reading.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { describePostgres, temporaryDirectory } from '../../support/databases.ts'

const options = { clock: systemClock, random: seededRandom(1) }

/** Names and contents of everything in a directory. */
function contents(directory: string): readonly string[] {
  return readdirSync(directory)
    .toSorted()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')}`,
    )
}

function createFile(path: string, journalMode: 'wal' | 'delete'): SqliteFile.Database {
  const file = new SqliteFile(path)
  file.pragma(`journal_mode = ${journalMode}`)
  file.exec('create table notes (id text); insert into notes values (1), (2)')
  return file
}

async function countNotes(path: string): Promise<number> {
  const reading = await openForReading(path, options)
  try {
    const { rows } = await sql<{ count: number }>`select count(*) as count from notes`.execute(reading.database.db)
    return rows[0]?.count ?? 0
  } finally {
    await reading.close()
  }
}

it('a missing file is an empty database, and nothing is created', async () => {
  const directory = temporaryDirectory()
  const reading = await openForReading(join(directory, 'deep', 'orch.db'), options)
  expect(reading.exists).toBe(false)
  expect((await reading.database.dialect.shape(reading.database.db)).size).toBe(0)
  await reading.close()
  expect(readdirSync(directory)).toEqual([])
})

it.each(['wal', 'delete'] as const)('a closed file in %s mode is read and stays as it is', async (mode) => {
  const directory = temporaryDirectory()
  const path = join(directory, 'orch.db')
  createFile(path, mode).close()
  const before = contents(directory)
  expect(await countNotes(path)).toBe(2)
  expect(contents(directory)).toEqual(before)
})

it.each(['wal', 'delete'] as const)(
  'a file in %s mode that another connection holds is read and stays as it is',
  async (mode) => {
    const directory = temporaryDirectory()
    const path = join(directory, 'orch.db')
    const writer = createFile(path, mode)
    const before = contents(directory)
    expect(await countNotes(path)).toBe(2)
    expect(contents(directory)).toEqual(before)
    writer.close()
  },
)

it('a write lock that another connection holds is not waited for', async () => {
  const path = join(temporaryDirectory(), 'orch.db')
  const writer = createFile(path, 'wal')
  writer.exec('begin immediate; insert into notes values (3)')
  expect(await countNotes(path)).toBe(2)
  writer.exec('rollback')
  writer.close()
})

it('what a crash left in the write-ahead log is read, and the log stays as it is', async () => {
  const directory = temporaryDirectory()
  const crashed = temporaryDirectory()
  const writer = createFile(join(directory, 'orch.db'), 'wal')
  for (const name of readdirSync(directory)) copyFileSync(join(directory, name), join(crashed, name))
  writer.close()
  expect(existsSync(join(crashed, 'orch.db-wal'))).toBe(true)
  const before = contents(crashed)
  expect(await countNotes(join(crashed, 'orch.db'))).toBe(2)
  expect(contents(crashed)).toEqual(before)
})

it('what was opened refuses to be written', async () => {
  const path = join(temporaryDirectory(), 'orch.db')
  createFile(path, 'wal').close()
  const reading = await openForReading(path, options)
  await expect(sql`insert into notes values (3)`.execute(reading.database.db)).rejects.toThrow('readonly')
  await reading.close()
})

it('a file that is no database is a clear error, and stays as it is', async () => {
  const path = new URL(import.meta.url).pathname
  await expect(openForReading(path, options)).rejects.toMatchObject({ code: 'ORCH_DATABASE_UNREACHABLE' })
})

describePostgres('a server opened for reading', (open) => {
  it('refuses to be written', async () => {
    const { url, schema } = await open()
    const reading = await openForReading(url, { ...options, schema })
    const write = sql`create table more (id text)`.execute(reading.database.db)
    await expect(write).rejects.toMatchObject({ code: '25006' })
    await reading.close()
  })
})
