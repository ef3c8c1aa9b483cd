/**
 * Opens a database for a look that leaves no trace. A reader of a WAL file normally creates `-wal` and
 * `-shm` beside it and writes into the latter, so a file is read from a private copy instead.
 */
import { constants, closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { filePath, isServerUrl, openDatabase, type Database, type OpenOptions } from '../connection.ts'

/** A database opened for a look; `close` also removes the private copy. */
export interface Reading {
  /** Refuses writes. Empty where there is no database yet. */
  readonly database: Database
  /** False when the file does not exist. */
  readonly exists: boolean
  /** What the look is about, for people. */
  readonly address: string
  /** Opens the same place for writing in a schema of its own; the caller closes it. */
  openScratch(schema: string): Promise<Database>
  close(): Promise<void>
}

/** How often a file that changes while it is copied is copied again. */
const copyRounds = 5

/** Throws ORCH_DATABASE_UNREACHABLE when it exists and cannot be read. A missing file is an empty database. */
export async function openForReading(url: string, options: OpenOptions): Promise<Reading> {
  const openScratch = (schema: string) => openDatabase(url, { ...options, schema, connections: 1 })
  return { ...(await openQuietly(url, options)), openScratch }
}

type Opened = Omit<Reading, 'openScratch'>

async function openQuietly(url: string, options: OpenOptions): Promise<Opened> {
  const readOnly = { ...options, readOnly: true, connections: 1 }
  if (isServerUrl(url)) return opened(await openDatabase(url, readOnly))
  const path = filePath(url)
  if (path === ':memory:' || !existsSync(path)) {
    return { ...opened(await openDatabase(':memory:', options)), exists: false, address: path }
  }
  if (needsNoCopy(path)) return opened(await openDatabase(path, readOnly))
  return (await openCopy(path, readOnly)) ?? opened(await openDatabase(path, readOnly))
}

function opened(database: Database): Opened {
  return { database, exists: true, address: database.address, close: () => database.close() }
}

/** Byte 18 of the header is the write version: 1 is the rollback journal, which a reader leaves alone. */
function needsNoCopy(path: string): boolean {
  const header = Buffer.alloc(20)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, header.length, 0)
  } finally {
    closeSync(file)
  }
  return header[18] === 1 && !existsSync(`${path}-journal`)
}

/** Null when the file is written to without a pause: its writer then changes the files beside it anyway. */
async function openCopy(path: string, options: OpenOptions): Promise<Opened | null> {
  const directory = await mkdtemp(join(tmpdir(), 'orch-look-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const copy = join(directory, basename(path))
    if (!(await copyQuietly(path, copy))) {
      await remove()
      return null
    }
    const database = await openDatabase(copy, options)
    const close = async () => {
      await database.close()
      await remove()
    }
    return { database, exists: true, address: path, close }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Copies the file with its write-ahead log; both belong together only when neither changed meanwhile. */
async function copyQuietly(path: string, copy: string): Promise<boolean> {
  for (let round = 0; round < copyRounds; round++) {
    const before = fingerprint(path)
    for (const suffix of ['', '-wal', '-journal']) {
      const target = `${copy}${suffix}`
      await rm(target, { force: true })
      if (existsSync(`${path}${suffix}`)) await copyFile(`${path}${suffix}`, target, constants.COPYFILE_FICLONE)
    }
    if (fingerprint(path) === before) return true
  }
  return false
}

function fingerprint(path: string): string {
  return ['', '-wal', '-journal']
    .map((suffix) => statSync(`${path}${suffix}`, { bigint: true, throwIfNoEntry: false }))
    .map((stat) => (stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`))
    .join('|')
}
