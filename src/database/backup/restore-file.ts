/**
 * The content of the file is exchanged, not the file: whoever opens it at that moment finds the same inode, and the
 * locks and the journal of the engine keep readers, writers and crashes apart. Renaming another file into its place
 * would leave a late opener with a write-ahead log that belongs to neither (sqlite.org/howtocorrupt.html, 1.4).
 * Only a file that is no database any more, or no file at all, is replaced.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'
import { filePath, openDatabase } from '../connection.ts'
import { SqliteFile } from '../dialect/sqlite-file.ts'
import { backUp, type Backup } from './back-up.ts'
import { createDraft, flush, publishDraft } from './draft.ts'
import { exchangeContent } from './exchange-content.ts'
import { differenceOf, verifyFile, type FileContent } from './file-content.ts'
import { refuseWhileScheduled } from './live-schedulers.ts'
import { refuseNewer, type Restored, type RestoreOptions } from './restore.ts'
import { snapshotFile } from './snapshot-file.ts'

/** What SQLite keeps beside a file. */
const companions = ['-wal', '-shm', '-journal'] as const

/** See `restore`. */
export async function restoreFile(options: RestoreOptions): Promise<Restored> {
  const path = resolve(filePath(options.url))
  await mkdir(dirname(path), { recursive: true })
  const draft = await createDraft(path, options.random)
  try {
    const content = await prepareDraft(draft, options)
    const done = await replace(path, draft, options)
    const difference = differenceOf(content, verifyFile(path))
    if (difference !== null) throw notTheSame(path, difference)
    return { ...done, rows: content.rows, migrations: content.migrations }
  } finally {
    for (const suffix of ['', ...companions]) await rm(`${draft}${suffix}`, { force: true })
  }
}

/** A private copy, so that the backup stays as it is, a log beside it included. */
async function prepareDraft(draft: string, options: RestoreOptions): Promise<FileContent> {
  const { from, migrations, clock, signal } = options
  verifyFile(from)
  const original = await snapshotFile(from, draft, { clock, signal })
  const difference = differenceOf(original, verifyFile(draft))
  if (difference !== null) throw notTheSame(from, difference)
  const own = new Set(['orch_migrations', ...migrations.map(({ table }) => table)])
  if (![...original.rows.keys()].some((table) => own.has(table))) {
    throw new OrchError('ORCH_BACKUP_FAILED', `${from} holds no table of orch`, {
      hint: '`orch db backup --list` shows the backups of a database',
    })
  }
  refuseNewer(original.migrations, options)
  return original
}

type Replaced = Pick<Restored, 'safety' | 'aside'>

async function replace(path: string, draft: string, options: RestoreOptions): Promise<Replaced> {
  if ((await stat(path).catch(() => null)) === null) return { safety: null, aside: await fillGap(path, draft, options) }
  if (isDamaged(path)) return { safety: null, aside: await replaceDamaged(path, draft, options) }
  await refuseScheduled(options)
  const safety = await saveFirst(path, options)
  await exchangeContent(path, { ...options, draft })
  return { safety, aside: null }
}

/** Whether the engine cannot read the file whole. Another program's lock is no damage. */
function isDamaged(path: string): boolean {
  // Not opened: the engine removes the log of a file that has no whole page.
  if (!hasHeader(path)) return true
  try {
    const file = new SqliteFile(path, { fileMustExist: true })
    try {
      return file.prepare('pragma quick_check(1)').pluck().get() !== 'ok'
    } finally {
      file.close()
    }
  } catch (error) {
    return /^SQLITE_(NOTADB|CORRUPT)/.test(systemErrorCode(error) ?? '')
  }
}

/** The first bytes of every database file (sqlite.org/fileformat2.html, 1.3.1); an empty one is a database too. */
function hasHeader(path: string): boolean {
  const head = Buffer.alloc(16)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, head, 0, head.length, 0)
    return length === 0 || head.toString('latin1') === 'SQLite format 3\0'
  } finally {
    closeSync(file)
  }
}

async function refuseScheduled({ url, clock, random, isAlive }: RestoreOptions): Promise<void> {
  const database = await openDatabase(url, { clock, random, readOnly: true })
  try {
    await refuseWhileScheduled(database, isAlive)
  } finally {
    await database.close()
  }
}

/** An empty file has nothing to save. */
async function saveFirst(path: string, options: RestoreOptions): Promise<Backup | null> {
  if ((await stat(path)).size === 0) return null
  return backUp({ ...options, reason: 'before-restore', spare: options.from })
}

/** Logs without their file would be taken for those of the new one. Returns where they are now, if there were any. */
async function fillGap(path: string, draft: string, options: RestoreOptions): Promise<string | null> {
  const aside = asideName(path, options)
  const moved = await moveCompanions(path, aside)
  if (await publishDraft(draft, path)) return moved ? aside : null
  throw new OrchError('ORCH_CONFLICT', `${path} was created meanwhile`, {
    hint: 'Nothing was overwritten. Find out who made it, then run the command again',
  })
}

/** The old bytes get a name of their own before the new ones take their place; its log goes with it first. */
async function replaceDamaged(path: string, draft: string, options: RestoreOptions): Promise<string> {
  const aside = asideName(path, options)
  try {
    await link(path, aside)
  } catch {
    await copyFile(path, aside)
    await flush(aside)
  }
  await moveCompanions(path, aside)
  await flush(draft)
  await rename(draft, path)
  await flush(dirname(path))
  return aside
}

async function moveCompanions(path: string, aside: string): Promise<boolean> {
  let moved = false
  for (const suffix of companions) {
    try {
      await rename(`${path}${suffix}`, `${aside}${suffix}`)
      moved = true
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error
    }
  }
  return moved
}

function asideName(path: string, { clock }: RestoreOptions): string {
  return `${path}.damaged-${new Date(clock.now()).toISOString().replaceAll(/[-:]/g, '')}`
}

function notTheSame(path: string, difference: string): OrchError {
  return new OrchError('ORCH_BACKUP_FAILED', `${path} does not hold what the backup does: ${difference}`, {
    hint: 'What was there before was saved: orch db backup --list. Check the disk',
  })
}
