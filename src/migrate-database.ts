/** What `init`, `quickstart`, `db migrate` and `db adopt` share: create the database, save what is in it, migrate it. */
import { existsSync } from 'node:fs'
import type { Settings } from './config/settings.ts'
import type { TrustStore } from './config/trust.ts'
import type { Context, ContextOptions, MigratedDatabase, MigrateRequest } from './context.ts'
import type { Backup, BackupPlace } from './database/backup/back-up.ts'
import type { Database } from './database/connection.ts'

type SharedParts = 'databaseAddress' | 'databaseExists' | 'database' | 'createDatabase' | 'clock' | 'random'

export interface MigrateParts extends Pick<Context, SharedParts> {
  readonly options: Pick<ContextOptions, 'env'>
  readonly stateDir: string
  readonly trust: TrustStore
  readonly version: string
  /** Without the layer of the database, which is not migrated yet. */
  readonly ownSettings: () => Promise<Settings>
}

/** Creates the database and every missing table. What is already there is backed up first, unless nothing is to be done. */
export async function migrateDatabase(parts: MigrateParts, request: MigrateRequest): Promise<MigratedDatabase> {
  const [{ migrate }, { migrations }] = await Promise.all([
    import('./database/migration/migrate.ts'),
    import('../migrations/index.ts'),
  ])
  const { onBackup, ...rest } = request
  const { clock, trust, version: toolVersion } = parts
  const { url } = await parts.databaseAddress()
  const isNewFile = !url.includes('://') && !existsSync(url)
  const database = await parts.createDatabase()
  if (isNewFile) trust.trust(database.address)
  let backup: Backup | null = null
  const beforeFirst = async () => {
    backup = await backUpFirst(parts, database, request)
    if (backup !== null) onBackup?.(backup)
  }
  const report = await migrate(database, { migrations, clock, toolVersion, ...rest, beforeFirst })
  if (report.createdSchema) trust.trust(database.address)
  return { ...report, database, backup, created: isNewFile || report.createdSchema }
}

/** Null where there is nothing that could be lost. */
async function backUpFirst(
  parts: MigrateParts,
  database: Database,
  { signal }: MigrateRequest,
): Promise<Backup | null> {
  if ((await database.dialect.shape(database.db)).size === 0) return null
  const [{ backUp }, { migrations }] = await Promise.all([
    import('./database/backup/back-up.ts'),
    import('../migrations/index.ts'),
  ])
  const { clock, random, version: toolVersion } = parts
  const { url } = await parts.databaseAddress()
  const place = await backupPlace(parts, database)
  const schema = parts.options.env['ORCH_DB_SCHEMA']
  return backUp({ url, schema, migrations, clock, random, toolVersion, reason: 'before-migrate', place, signal })
}

/** Where the backups of the database are and how many are kept; a database says the latter where it is trusted. */
export async function backupPlace(parts: MigrateParts, opened?: Database): Promise<BackupPlace> {
  const { backupDirectoryOf } = await import('./database/backup/backup-directory.ts')
  const { url } = await parts.databaseAddress()
  const directory = backupDirectoryOf({ url, schema: parts.options.env['ORCH_DB_SCHEMA'], stateDir: parts.stateDir })
  const settings = await parts.ownSettings()
  const database =
    opened ??
    (await parts
      .databaseExists()
      .then((exists) => (exists ? parts.database() : undefined))
      .catch(() => undefined))
  const trusted = database !== undefined && parts.trust.isTrusted(database.address)
  const stored = trusted ? await storedSettings(database) : new Map()
  return { directory, keep: settings.withDatabase(stored).get('backups.keep') }
}

/** A database whose settings cannot be read must be backed up all the more. */
async function storedSettings(database: Database) {
  const [{ readStoredSettings }, { Capabilities }, { migrations }] = await Promise.all([
    import('./database/repositories/setting-repository.ts'),
    import('./database/capabilities.ts'),
    import('../migrations/index.ts'),
  ])
  return readStoredSettings(database, new Capabilities(database, migrations)).catch(() => new Map())
}
