/**
 * Takes over what an earlier application left in another schema: looks, plans, and imports into orch's own schema.
 * Nothing outside of it is ever written, nothing inside it is changed, and running it again adds what is new.
 */
import { sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { migrationEngine } from '../migration/engine.ts'
import { underMigrationLock } from '../migration/migration-lock.ts'
import type { ImportContext } from './import-context.ts'
import { importProjects, importProviders, importSettings } from './import-configuration.ts'
import { importModels } from './import-models.ts'
import type { TableImport } from './import-tally.ts'
import { importUsage } from './import-usage.ts'
import { countWrites, proveInsertsOnly } from './inserts-only.ts'
import { conflictsIn, inspectSchema, type Inspection, type InspectionWish } from './inspection.ts'
import { proveNoKeyCopied } from './no-key-copied.ts'
import { ProviderLookup } from './provider-lookup.ts'
import type { KeyRequest } from './translate-provider.ts'
import type { VendorKnowledge } from './vendor-knowledge.ts'

export interface ImportWish extends InspectionWish {
  readonly knowledge: VendorKnowledge
  readonly clock: Clock
  /** Absolute path of the workspace that imported projects get. */
  readonly workspace: string
  /** How long to ask for the migration lock; default 30 s. */
  readonly lockTimeoutMs?: number
  /** Ends the import between two batches; then nothing of it is kept. */
  readonly signal?: AbortSignal
  /** Told after each batch how far a table is. */
  readonly onRows?: (progress: TableImport) => void
}

export interface ImportReport {
  readonly tables: readonly TableImport[]
  readonly keys: readonly KeyRequest[]
}

const defaultLockTimeoutMs = 30_000

/** A table that its application holds longer than this is not waited for: the look says so instead. */
const tableLockTimeout = '1s'
/** Rounds against others who take the same free name at the same moment. */
const nameRounds = 3

/**
 * What an import would do, read and translated in one read-only snapshot. Throws what `inspectSchema` throws, and
 * ORCH_MIGRATION_LOCKED when the application keeps a table from being read.
 */
export async function rehearseImport(
  database: Database,
  inspection: Inspection,
  wish: ImportWish,
): Promise<ImportReport> {
  try {
    return await database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (trx) => {
        await sql`select set_config('lock_timeout', ${tableLockTimeout}, true)`.execute(trx)
        return importRows(trx, { database, inspection, wish, writes: false })
      })
  } catch (error) {
    if (database.dialect.classify(error) !== 'contention') throw error
    throw new OrchError('ORCH_MIGRATION_LOCKED', `A table of ${inspection.sourceSchema} is locked by somebody else`, {
      hint: 'Look again when its application has finished what it does',
      cause: error,
    })
  }
}

/**
 * Imports in one transaction under the migration lock: all of it, or nothing. The schema is looked at again once
 * the lock is held. Throws ORCH_MIGRATION_DRIFT where a table conflicts, ORCH_DATABASE_FAILED where rights are
 * missing, ORCH_MIGRATION_LOCKED, ORCH_MIGRATION_REFUSED when something else than orch's rows would be written, or a
 * stored key with them, and ORCH_INTERRUPTED.
 */
export async function importSchema(database: Database, wish: ImportWish): Promise<ImportReport> {
  for (let round = 1; ; round++) {
    refuseStopped(wish)
    try {
      return await importOnce(database, wish)
    } catch (error) {
      if (round === nameRounds || database.dialect.classify(error) !== 'duplicate') throw error
    }
  }
}

async function importOnce(database: Database, wish: ImportWish): Promise<ImportReport> {
  const engine = await migrationEngine(database.dialect)
  const { clock, signal, lockTimeoutMs: timeoutMs = defaultLockTimeoutMs } = wish
  const lock = { engine, clock, timeoutMs, ...(signal === undefined ? {} : { signal }) }
  return underMigrationLock(database, lock, async (trx) => {
    const inspection = await inspectSchema(trx, database, wish)
    refuseConflicts(inspection)
    const before = await countWrites(trx)
    const report = await importRows(trx, { database, inspection, wish, writes: true })
    proveInsertsOnly(before, await countWrites(trx), inspection.ownSchema)
    await proveNoKeyCopied(trx, inspection, report.tables)
    return report
  })
}

/** Throws ORCH_MIGRATION_DRIFT naming each column that conflicts, and ORCH_DATABASE_FAILED naming each right that is missing. */
export function refuseConflicts(inspection: Inspection): void {
  const conflicts = conflictsIn(inspection)
  if (conflicts.length > 0) {
    const lines = conflicts.flatMap(({ table, problem, differences }) => [
      ...(problem === null ? [] : [problem]),
      ...differences
        .filter(({ blocks }) => blocks)
        .map(({ column, found, expected }) => `${table}.${column} is ${found ?? 'missing'}, not ${expected}`),
    ])
    throw new OrchError('ORCH_MIGRATION_DRIFT', `Nothing was imported: ${lines.join('; ')}`, {
      hint: `orch never changes what exists. Leave a table out with --skip ${conflicts[0]?.table}`,
    })
  }
  if (inspection.missingRights.length === 0) return
  const { role } = inspection.rights
  throw new OrchError('ORCH_DATABASE_FAILED', `The role ${role} lacks ${inspection.missingRights.join('; ')}`, {
    hint: `orch db adopt --from-schema ${inspection.sourceSchema} --dry-run prints the script that grants it`,
  })
}

/** A migration that was stopped before may have left tables out. */
function refuseStopped({ signal }: ImportWish): void {
  if (signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped: nothing was imported')
}

interface Importing {
  readonly database: Database
  readonly inspection: Inspection
  readonly wish: ImportWish
  readonly writes: boolean
}

/** In the order of references: providers, settings, models, projects, usage. */
async function importRows(trx: Trx, { database, inspection, wish, writes }: Importing): Promise<ImportReport> {
  const shape = await database.dialect.shape(trx)
  const context: ImportContext = {
    trx,
    inspection,
    knowledge: wish.knowledge,
    providers: new ProviderLookup(wish.knowledge),
    keys: [],
    modelsById: new Map(),
    writes,
    has: (table) => shape.has(table),
    workspace: wish.workspace,
    nowMs: await database.dialect.now(trx),
    onRows: (tally) => {
      refuseStopped(wish)
      wish.onRows?.(tally.result)
    },
  }
  const providers = await importProviders(context)
  const settings = await importSettings(context)
  const models = await importModels(context)
  const projects = await importProjects(context)
  const usage = await importUsage(context)
  const tables = [providers, settings, ...models, projects, usage].filter((one) => one !== null)
  return { tables, keys: context.keys }
}
