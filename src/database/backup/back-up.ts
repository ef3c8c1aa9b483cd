import { rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OrchError, errorMessage, systemErrorCode } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { filePath, isServerUrl } from '../connection.ts'
import { withoutPassword } from '../dialect/server-address.ts'
import type { Migration } from '../migration/migration.ts'
import { openBackupDirectory, pruneBackups } from './backup-directory.ts'
import { backupName, type BackupEnding, type BackupReason, type BackupTag } from './backup-name.ts'
import { createDraft, publishDraft } from './draft.ts'
import type { Progress } from './snapshot-file.ts'

/** A directory of orch's own. */
export interface BackupPlace {
  readonly directory: string
  /** How many backups of each reason are kept there. */
  readonly keep: number
}

/** The address of a database for people: without a password, a file by its whole path. */
export function addressOf(url: string): string {
  return isServerUrl(url) ? withoutPassword(url) : resolve(filePath(url))
}

export interface BackupOptions {
  readonly url: string
  readonly schema?: string | undefined
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly random: Random
  readonly toolVersion: string
  readonly reason: BackupReason
  /** Where it goes and what is pruned there; a path to a new file instead is never pruned. */
  readonly place: BackupPlace | { readonly file: string }
  /** A backup that pruning must leave. */
  readonly spare?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: Progress) => void) | undefined
}

export interface Backup {
  readonly path: string
  readonly bytes: number
  readonly tag: BackupTag
  /** Rows by table. */
  readonly rows: ReadonlyMap<string, number>
  /** What lies in orch's schema, is not orch's own, and so is not in it; a file is copied whole. */
  readonly leftOut: readonly string[]
  readonly durationMs: number
}

/** What an engine wrote into a draft, proven by reading it back. */
export interface WrittenBackup {
  readonly rows: ReadonlyMap<string, number>
  readonly migrations: readonly string[]
  readonly version: string | null
  readonly leftOut: readonly string[]
}

/**
 * Copies a database at one instant, with everything committed before the call, while others go on writing. The
 * copy was read back and compared before it gets its name; it is 0600, and in a directory of orch's own the
 * oldest of its kind make room. Throws ORCH_BACKUP_FAILED, leaving nothing behind; ORCH_CONFLICT when the file
 * exists; ORCH_INTERRUPTED after the signal.
 */
export async function backUp(options: BackupOptions): Promise<Backup> {
  const startedAt = options.clock.monotonic()
  const { place, reason, spare } = options
  try {
    if ('file' in place) await refuseExisting(place.file)
    else await openBackupDirectory(place.directory)
    const finished = await writeAndPublish(options)
    if ('directory' in place) await pruneBackups(place.directory, { reason, keep: place.keep, spare })
    const { size } = await stat(finished.path)
    return { ...finished, bytes: size, durationMs: Math.round(options.clock.monotonic() - startedAt) }
  } catch (error) {
    throw asBackupFailure(error)
  }
}

async function refuseExisting(file: string): Promise<void> {
  const found = await stat(file).catch(() => null)
  if (found !== null) throw taken(file)
}

function taken(file: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${file} exists; a backup never takes the place of another file`, {
    hint: 'Give --to a name that is free',
  })
}

async function writeAndPublish(options: BackupOptions): Promise<Pick<Backup, 'path' | 'tag' | 'rows' | 'leftOut'>> {
  const { place, random, reason, clock, toolVersion } = options
  const takenAt = clock.now()
  const draft = await createDraft('file' in place ? place.file : join(place.directory, 'backup'), random)
  try {
    const written = await write(options, draft)
    const migration = /^\d{4}/.exec(written.migrations.at(-1) ?? '')?.[0] ?? '0000'
    const tag: BackupTag = { takenAt, version: written.version ?? toolVersion, migration, reason }
    const path = await publish(draft, tag, options)
    return { path, tag, rows: written.rows, leftOut: written.leftOut }
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${draft}${suffix}`, { force: true })
  }
}

async function write(options: BackupOptions, draft: string): Promise<WrittenBackup> {
  if (isServerUrl(options.url)) {
    const { exportServer } = await import('./export-server.ts')
    return exportServer(draft, options)
  }
  const { backUpFile } = await import('./back-up-file.ts')
  return backUpFile(draft, options)
}

async function publish(draft: string, tag: BackupTag, { place, url }: BackupOptions): Promise<string> {
  if ('file' in place) {
    if (await publishDraft(draft, place.file)) return place.file
    throw taken(place.file)
  }
  const ending: BackupEnding = isServerUrl(url) ? 'jsonl.gz' : 'db'
  // Another process may have taken one in the same millisecond.
  for (let later = 0; ; later++) {
    const path = join(place.directory, backupName({ ...tag, takenAt: tag.takenAt + later }, ending))
    if (await publishDraft(draft, path)) return path
  }
}

function asBackupFailure(error: unknown): OrchError {
  if (error instanceof OrchError) return error
  const code = systemErrorCode(error) ?? ''
  return new OrchError('ORCH_BACKUP_FAILED', `No backup could be made: ${errorMessage(error)}`, {
    hint: hintFor(code),
    cause: error,
  })
}

function hintFor(code: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT' || code.startsWith('SQLITE_FULL')) {
    return 'The disk is full: make room, or give orch db backup --to a place that has some'
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(code) || code.startsWith('SQLITE_READONLY')) {
    return 'You may not write there; ORCH_STATE_DIR moves the backups of a server, orch db backup --to any single one'
  }
  return 'Nothing was changed'
}
