import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { backUp, type BackupOptions } from '../../../src/database/backup/back-up.ts'
import { holdersOf } from '../../../src/database/backup/file-holders.ts'
import { restore } from '../../../src/database/backup/restore.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import { smallDisk } from '../../torture/database-trouble.ts'

const parts = { migrations, clock: systemClock, random: systemRandom, toolVersion: 'test' }

let directory = ''
let url = ''
let open: SqliteFile.Database[] = []

beforeEach(() => {
  directory = temporaryDirectory()
  url = join(directory, 'orch.db')
  writeFileSync(url, readFileSync(inject('migratedTemplate').file))
})

afterEach(() => {
  for (const file of open) file.close()
  open = []
})

function connect(path = url): SqliteFile.Database {
  const file = new SqliteFile(path)
  open.push(file)
  return file
}

/** Settings of the database, by which the states of a test are told apart. */
function put(key: string): void {
  const file = connect()
  file.prepare(`insert into orchestrator_config (key, value, updated_at) values (?, '1', 1)`).run(key)
  file.close()
}

function keys(path = url): readonly unknown[] {
  const file = connect(path)
  const found = file.prepare('select key from orchestrator_config order by key').pluck().all()
  file.close()
  return found
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

const place = () => ({ directory: `${url}.backups`, keep: 5 })

function take(more: Partial<BackupOptions> = {}) {
  return backUp({ ...parts, url, reason: 'manual', place: place(), ...more })
}

function bringBack(from: string) {
  return restore({ ...parts, url, from, place: place(), isAlive: () => null, lockTimeoutMs: 100 })
}

describe('a backup of a file', () => {
  it('is one file that holds what the write-ahead log held, while another program writes', async () => {
    put('early')
    const writer = connect()
    writer.pragma('journal_mode = wal')
    writer.exec(`insert into orchestrator_config (key, value, updated_at) values ('in the log', '1', 1)`)
    writer.exec(`begin immediate; insert into orchestrator_config (key, value, updated_at) values ('not yet', '1', 1)`)
    const { path, rows } = await take()
    expect(readdirSync(place().directory)).toEqual([path.slice(place().directory.length + 1)])
    expect([keys(path), rows.get('orchestrator_config')]).toEqual([['early', 'in the log'], 2])
  })

  it('fails when the file is replaced meanwhile, and leaves nothing behind', async () => {
    const onProgress = () => {
      writeFileSync(`${url}.other`, 'other')
      renameSync(`${url}.other`, url)
    }
    await expect(take({ onProgress })).rejects.toMatchObject({ code: 'ORCH_BACKUP_FAILED' })
    expect(readdirSync(place().directory)).toEqual([])
    expect(readFileSync(url, 'utf8')).toBe('other')
  })

  it('ends with its signal, and leaves nothing behind', async () => {
    await expect(take({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ORCH_INTERRUPTED' })
    expect(readdirSync(place().directory)).toEqual([])
  })

  it('does not follow a link to another directory', async () => {
    const elsewhere = temporaryDirectory()
    symlinkSync(elsewhere, place().directory)
    await expect(take()).rejects.toMatchObject({ code: 'ORCH_BACKUP_FAILED' })
    expect(readdirSync(elsewhere)).toEqual([])
  })

  it('says that the disk is full, and leaves nothing behind', async () => {
    const disk = smallDisk(directory)
    // Where this user may not mount one, the torture on another machine shows it.
    if (disk === null) return
    const free = await disk.fill()
    try {
      const refused = { code: 'ORCH_BACKUP_FAILED', hint: expect.stringContaining('full') }
      await expect(take({ place: { file: join(disk.directory, 'copy') } })).rejects.toMatchObject(refused)
      expect(readdirSync(disk.directory)).toEqual(['ballast'])
    } finally {
      await free()
      disk.remove()
    }
  })
})

describe('bringing a file back', () => {
  it('waits for nobody who has it open: it is refused, and nothing is changed', async () => {
    const { path } = await take()
    put('later')
    const reader = connect()
    reader.pragma('journal_mode = wal')
    reader.prepare('select count(*) from jobs').get()
    await expect(bringBack(path)).rejects.toMatchObject({ code: 'ORCH_MIGRATION_LOCKED' })
    reader.close()
    expect(keys()).toEqual(['later'])
  })

  it('finds the processes that have a file open', async () => {
    const descriptor = openSync(url, 'r')
    const child = spawn('sleep', ['60'], { stdio: [descriptor, 'ignore', 'ignore'] })
    await new Promise((resolve) => child.once('spawn', resolve))
    closeSync(descriptor)
    try {
      expect(await holdersOf(url)).toEqual([child.pid])
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
    }
  })

  it('replaces a file that is no database any more, and keeps its bytes aside', async () => {
    put('saved')
    const { path } = await take()
    writeFileSync(url, 'garbage')
    writeFileSync(`${url}-wal`, 'old log')
    const { safety, aside } = await bringBack(path)
    expect([safety, keys()]).toEqual([null, ['saved']])
    expect(readFileSync(aside ?? '', 'utf8')).toBe('garbage')
    expect(readFileSync(`${aside}-wal`, 'utf8')).toBe('old log')
  })

  it('fills the place of a file that is gone, without the log that it left', async () => {
    put('saved')
    const { path } = await take()
    renameSync(url, `${url}.gone`)
    writeFileSync(`${url}-wal`, 'old log')
    await bringBack(path)
    expect(keys()).toEqual(['saved'])
    expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('refuses a backup that was cut or changed, and one of something else, and changes no byte', async () => {
    const { path } = await take()
    const before = hashOf(url)
    const cut = join(directory, 'cut.db')
    writeFileSync(cut, readFileSync(path))
    truncateSync(cut, 100_000)
    const other = join(directory, 'other.db')
    const stranger = connect(other)
    stranger.exec('create table notes (id text)')
    stranger.close()
    writeFileSync(join(directory, 'text'), 'text')
    for (const file of [cut, other, join(directory, 'text'), directory]) {
      await expect(bringBack(file)).rejects.toMatchObject({ code: 'ORCH_BACKUP_FAILED' })
    }
    expect(hashOf(url)).toBe(before)
  })

  it('does not let the safety backup make room by removing what is brought back', async () => {
    put('first')
    const { path } = await take({ reason: 'before-restore', place: { ...place(), keep: 1 } })
    put('second')
    const { safety } = await restore({
      ...parts,
      url,
      from: path,
      place: { ...place(), keep: 1 },
      isAlive: () => null,
      lockTimeoutMs: 100,
    })
    expect([keys(), keys(path), keys(safety?.path)]).toEqual([['first'], ['first'], ['first', 'second']])
  })
})
