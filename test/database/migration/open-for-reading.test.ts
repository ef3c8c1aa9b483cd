import { createHash } from 'node:crypto'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { openForReading } from '../../../src/database/migration/open-for-reading.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { describePostgres, temporaryDirectory } from '../../support/databases.ts'

const root = new URL('../../..', import.meta.url).pathname
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

/** Another process dies in the middle of a transaction so large that it had to write into the file already. */
function killWhileWriting(path: string): void {
  const script = `const file = new (require('better-sqlite3'))(${JSON.stringify(path)})
    file.pragma('cache_size = 5')
    file.exec('begin immediate')
    for (let i = 0; i < 2000; i++) file.exec("insert into notes values (hex(randomblob(100)))")
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['-e', script], { cwd: root, timeout: 20_000 })
}

/** As a user without rights of its own, where this process may become one. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
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

it('a transaction that a crash cut off in rollback mode is not read, and its journal stays as it is', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'orch.db')
  createFile(path, 'delete').close()
  killWhileWriting(path)
  expect(readdirSync(directory).toSorted()).toEqual(['orch.db', 'orch.db-journal'])
  const before = contents(directory)
  expect(await countNotes(path)).toBe(2)
  expect(contents(directory)).toEqual(before)
})

it('a directory that cannot be written to is enough, for whoever may only read the file', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'orch.db')
  createFile(path, 'wal').close()
  const before = contents(directory)
  chmodSync(path, 0o444)
  chmodSync(directory, 0o555)
  const count = await asNobody(() => countNotes(path))
  chmodSync(directory, 0o755)
  expect(count).toBe(2)
  expect(contents(directory)).toEqual(before)
})

it('a large file that a living process has open is read where it is, without a copy', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'orch.db')
  const writer = createFile(path, 'wal')
  writer.exec('create table ballast (data blob)')
  writer.prepare('insert into ballast values (zeroblob(?))').run(40 * 1024 * 1024)
  writer.close()
  const holder = await holdOpen(path)
  const seen = () => [contents(directory)[0], readdirSync(directory), copiesOf(path)]
  const before = seen()
  const reading = await openForReading(path, options)
  expect(copiesOf(path)).toEqual(before[2])
  expect((await sql`select id from notes`.execute(reading.database.db)).rows).toHaveLength(3)
  await reading.close()
  expect(seen()).toEqual(before)
  holder.kill()
})

/** Another process writes a note and keeps the file open. */
async function holdOpen(path: string): Promise<ChildProcess> {
  const script = `const file = new (require('better-sqlite3'))(${JSON.stringify(path)})
    file.exec('insert into notes values (3)')
    console.log('open')
    setTimeout(() => {}, 30000)`
  const holder = spawn(process.execPath, ['-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  return holder
}

function copiesOf(path: string): readonly string[] {
  const looks = readdirSync(tmpdir()).filter((name) => name.startsWith('orch-look-'))
  return looks.filter(
    (name) => statSync(join(tmpdir(), name, basename(path)), { throwIfNoEntry: false })?.size === statSync(path).size,
  )
}

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
