/** Where the backups of one database are: `orch.db.backups/` beside a file, the state directory for a server. */
import { chmod, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'
import { filePath, isServerUrl } from '../connection.ts'
import { parseBackupName, type BackupReason, type BackupTag } from './backup-name.ts'

export interface StoredBackup {
  readonly path: string
  readonly name: string
  readonly tag: BackupTag
  readonly bytes: number
}

export interface DirectoryInput {
  readonly url: string
  /** Of a server; default `orch`. */
  readonly schema?: string | undefined
  readonly stateDir: string
}

/** The directory that belongs to a database alone, so that pruning never meets the backups of another one. */
export function backupDirectoryOf({ url, schema = 'orch', stateDir }: DirectoryInput): string {
  if (!isServerUrl(url)) return `${filePath(url)}.backups`
  const parts = URL.canParse(url) ? serverParts(new URL(url)) : []
  return join(stateDir, 'backups', [...parts, schema].map((part) => part.replaceAll(/[^\w.-]/g, '_')).join('_'))
}

/** Neither user nor password: whoever connects, the data is the same. */
function serverParts({ hostname, port, pathname }: URL): readonly string[] {
  return [hostname, port === '' ? '5432' : port, pathname.slice(1)]
}

/**
 * Makes the directory, 0700. Throws ORCH_BACKUP_FAILED where something else has its name: a link in a cloned
 * repository must not lead the copy of a database, nor the rights of a directory, elsewhere.
 */
export async function openBackupDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const found = await lstat(directory)
  if (!found.isDirectory()) {
    throw new OrchError('ORCH_BACKUP_FAILED', `${directory} is not a directory of its own`, {
      hint: 'Backups go there: remove or rename what has its name',
    })
  }
  if ((found.mode & 0o077) !== 0) await chmod(directory, 0o700)
}

/** Newest first. A directory that does not exist holds none. */
export async function listBackups(directory: string): Promise<readonly StoredBackup[]> {
  const found: StoredBackup[] = []
  for (const name of await namesIn(directory)) {
    const tag = parseBackupName(name)
    const path = join(directory, name)
    const file = tag === null ? null : await stat(path).catch(() => null)
    if (tag !== null && file !== null && file.isFile()) found.push({ path, name, tag, bytes: file.size })
  }
  return found.toSorted((a, b) => (a.name < b.name ? 1 : -1))
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw error
  }
}

export interface PruneInput {
  readonly reason: BackupReason
  /** How many of that reason are kept. */
  readonly keep: number
  /** Kept whatever its age: the one that is being brought back. */
  readonly spare?: string | undefined
}

/** Removes the oldest backups of one reason; what a person took by hand never makes room for automatic ones. */
export async function pruneBackups(directory: string, { reason, keep, spare }: PruneInput): Promise<void> {
  const own = (await listBackups(directory)).filter(({ tag }) => tag.reason === reason)
  for (const { path } of own.slice(keep)) if (path !== spare) await rm(path, { force: true })
}
