/**
 * Opens a database for a look that leaves no trace: no byte of any file, no name in the directory. A reader of a WAL
 * file makes `-wal` and `-shm` beside it where they are missing, and writes into `-shm` even where they are there (its
 * read mark; after a crash, the whole index). So a file is read from a private copy. It is read in place where that
 * leaves nothing behind, in rollback mode, and where a living process has it open and a copy would take long or fail:
 * what `-shm` then holds is those processes' own memory, which changes at every moment anyway.
 */
import { constants, closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'
import { filePath, isServerUrl, openDatabase, type Database, type OpenOptions } from '../connection.ts'
import { isHeldOpen } from './file-locks.ts'

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
/** Above this a file that a living process has open is not copied: a look must not take seconds. */
const largeBytes = 32 * 1024 * 1024
/** Two changes within this may leave the same time on a file: the clock of file systems ticks at up to 10 ms. */
const fileTimeMs = 20

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
  const inPlace = async () => opened(await openDatabase(path, readOnly))
  if (needsNoCopy(path) || (isLarge(path) && (await isHeldOpen(path)))) return inPlace()
  return (await openCopy(path, readOnly)) ?? inPlace()
}

function isLarge(path: string): boolean {
  return statSync(path).size > largeBytes
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
    if (!(await copyQuietly(path, copy, options))) {
      await remove()
      return null
    }
    const database = await openDatabase(copy, options)
    const close = async () => {
      await database.close()
      await remove()
    }
    return { database: { ...database, address: resolve(path) }, exists: true, address: path, close }
  } catch (error) {
    await remove()
    throw noRoom(error, path) ?? error
  }
}

/** Copies the file with its logs; they belong together only when none changed meanwhile. */
async function copyQuietly(path: string, copy: string, options: OpenOptions): Promise<boolean> {
  for (let round = 0; round < copyRounds; round++) {
    await letFileTimesPass(path, options)
    const before = fingerprint(path)
    for (const suffix of logSuffixes) {
      const target = `${copy}${suffix}`
      await rm(target, { force: true })
      if (existsSync(`${path}${suffix}`)) await copyFile(`${path}${suffix}`, target, constants.COPYFILE_FICLONE)
    }
    if (fingerprint(path) !== before) continue
    if (existsSync(`${copy}-journal`)) await rollBack(copy, options)
    return true
  }
  return false
}

const logSuffixes = ['', '-wal', '-journal'] as const

/** A transaction that a crash cut off is undone by whoever opens the file next, which a reader may not. */
async function rollBack(copy: string, options: OpenOptions): Promise<void> {
  const writable = await openDatabase(copy, { ...options, readOnly: false })
  await writable.close()
}

/** A change in the same tick as an earlier one would not show in the time of the file. */
async function letFileTimesPass(path: string, { clock }: OpenOptions): Promise<void> {
  const changedAt = logSuffixes.map((suffix) => statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  if (Math.abs(clock.now() - Math.max(...changedAt)) < fileTimeMs) await clock.sleep(fileTimeMs)
}

function fingerprint(path: string): string {
  return logSuffixes
    .map((suffix) => statSync(`${path}${suffix}`, { bigint: true, throwIfNoEntry: false }))
    .map((stat) => (stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`))
    .join('|')
}

function noRoom(error: unknown, path: string): OrchError | null {
  if (systemErrorCode(error) !== 'ENOSPC') return null
  return new OrchError(
    'ORCH_DATABASE_UNREACHABLE',
    `There is no room in ${tmpdir()} for the copy from which ${path} is read`,
    {
      hint: 'Point TMPDIR to a directory with room for it: the file itself must not be touched by a look',
      cause: error,
    },
  )
}
