import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { isServerUrl } from '../connection.ts'
import type { Migration } from '../migration/migration.ts'
import type { Backup, BackupPlace } from './back-up.ts'
import { parseBackupName, type BackupTag } from './backup-name.ts'
import type { LifeJudge } from './live-schedulers.ts'
import type { Progress } from './snapshot-file.ts'

export interface RestoreOptions {
  readonly url: string
  readonly schema?: string | undefined
  /** The backup: a copy of a file for a file, an export for a server. */
  readonly from: string
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly random: Random
  readonly toolVersion: string
  /** Where what is there now is saved first. */
  readonly place: BackupPlace
  readonly isAlive: LifeJudge
  /** How long others may still have the database open. */
  readonly lockTimeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: Progress) => void) | undefined
}

export interface Restored {
  /** What was there before; null where nothing was, or where it could not be read. */
  readonly safety: Backup | null
  /** Where what was there before still is, as it was: a damaged file, or a schema under another name. */
  readonly aside: string | null
  /** Rows by table. */
  readonly rows: ReadonlyMap<string, number>
  /** Names in the ledger, in order. */
  readonly migrations: readonly string[]
}

/**
 * Brings a backup back. It is read whole and compared first; what is there now is saved; then the content is
 * exchanged in one transaction, so that a crash leaves the one or the other, and is compared once more.
 * Throws ORCH_CONFLICT while a scheduler works on the database, ORCH_MIGRATION_LOCKED while others keep it open,
 * ORCH_DATABASE_NEWER for a backup of a newer orch, ORCH_BACKUP_FAILED for one that is not sound, ORCH_USAGE for one
 * of the other engine, ORCH_INTERRUPTED after the signal. Before the exchange nothing is changed.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const kind = await kindOf(options.from)
  const wanted = isServerUrl(options.url) ? 'export' : 'file'
  if (kind !== wanted) throw otherEngine(options, kind)
  if (kind === 'export') {
    const { restoreServer } = await import('./restore-server.ts')
    return restoreServer(options)
  }
  const { restoreFile } = await import('./restore-file.ts')
  return restoreFile(options)
}

async function kindOf(path: string): Promise<'file' | 'export'> {
  const head = Buffer.alloc(16)
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file')
    const file = await open(path, 'r')
    try {
      await file.read(head, 0, head.length, 0)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new OrchError('ORCH_BACKUP_FAILED', `${path} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
  if (head.toString('latin1').startsWith('SQLite format 3')) return 'file'
  // The magic number of gzip (RFC 1952).
  if (head[0] === 0x1f && head[1] === 0x8b) return 'export'
  throw new OrchError('ORCH_BACKUP_FAILED', `${path} is no backup`, { hint: '`orch db backup --list` shows them' })
}

function otherEngine({ from, url }: RestoreOptions, kind: 'file' | 'export'): OrchError {
  const [is, target] = kind === 'file' ? ['a database file', 'a server'] : ['an export of a server', 'a file']
  const next = kind === 'file' && isServerUrl(url) ? ': orch db transfer moves a file to a server' : ''
  return new OrchError('ORCH_USAGE', `${from} is ${is}, and the database is ${target}`, {
    hint: `Name the database it belongs to with --db${next}`,
  })
}

/** Throws ORCH_DATABASE_NEWER when the backup holds migrations that this orch does not know. */
export function refuseNewer(names: readonly string[], { migrations, from }: RestoreOptions): void {
  const known = new Set(migrations.map(({ name }) => name))
  const newer = names.filter((name) => !known.has(name))
  if (newer.length === 0) return
  throw new OrchError(
    'ORCH_DATABASE_NEWER',
    `${from} holds migrations that this orch does not know: ${newer.join(', ')}`,
    {
      hint: 'Update orch, then bring it back; nothing was changed',
    },
  )
}

/** What the name of a backup says; null for a name that a person gave. */
export function tagOf(path: string): BackupTag | null {
  return parseBackupName(basename(path))
}
