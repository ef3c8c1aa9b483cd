import { OrchError } from '../../errors/orch-error.ts'
import type { Db } from '../dialect/dialect.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import type { Catalog } from './catalog.ts'
import type { CompiledMigration, Statement } from './compiled-migration.ts'
import type { MigrationEngine } from './engine.ts'
import { ledgerMigration, readLedger } from './ledger.ts'
import { conflictsOf, exists } from './object-shape.ts'

/** What stands between a migration and the database. */
export type MigrationStanding =
  /** Its objects exist and the ledger says that orch made them. */
  | 'applied'
  /** Its objects exist and the ledger says that they were there before. */
  | 'adopted'
  /** Nothing of it exists: it will be applied. */
  | 'pending'
  /** All of it exists without a ledger row: it will be recorded, nothing will be executed. */
  | 'adoptable'
  /** The ledger has it, but something of it is gone: that part will be created again. */
  | 'missing'
  /** It was edited, or what exists has another shape: nothing will be done. */
  | 'drifted'

export interface MigrationState {
  readonly compiled: CompiledMigration
  readonly standing: MigrationStanding
  /** The statements whose objects do not exist. */
  readonly absent: readonly Statement[]
  /** What is wrong, one sentence each; empty unless drifted. */
  readonly problems: readonly string[]
  readonly ledgerRow: MigrationLedgerRow | null
}

export interface DatabaseState {
  readonly schemaExists: boolean
  readonly ledgerExists: boolean
  /** Problems of the ledger's own table. */
  readonly ledgerProblems: readonly string[]
  readonly lastSequence: number
  readonly migrations: readonly MigrationState[]
  /** Ledger rows of migrations that this orch does not know: the database is newer. */
  readonly unknown: readonly MigrationLedgerRow[]
}

export interface StateSource {
  readonly engine: MigrationEngine
  readonly ledger: CompiledMigration
  readonly migrations: readonly CompiledMigration[]
}

/** Compares ledger, catalog and migrations. Only reads. */
export async function readState(db: Db, source: StateSource): Promise<DatabaseState> {
  const catalog = await source.engine.readCatalog(db)
  const ledgerExists = catalog.tables.has(ledgerMigration.table)
  const ledgerProblems = ledgerExists
    ? source.ledger.statements.flatMap(({ creates }) => conflictsOf(creates, catalog))
    : []
  const rows = ledgerExists && ledgerProblems.length === 0 ? await readLedger(db) : []
  const known = new Set(source.migrations.map(({ migration }) => migration.name))
  return {
    schemaExists: catalog.schemaExists,
    ledgerExists,
    ledgerProblems,
    lastSequence: rows.at(-1)?.sequence ?? 0,
    migrations: source.migrations.map((compiled) => standingOf(compiled, catalog, rows)),
    unknown: rows.filter(({ name }) => !known.has(name)),
  }
}

function standingOf(
  compiled: CompiledMigration,
  catalog: Catalog,
  rows: readonly MigrationLedgerRow[],
): MigrationState {
  const { statements, migration, checksum } = compiled
  const ledgerRow = rows.findLast(({ name }) => name === migration.name) ?? null
  const absent = statements.filter(({ creates }) => !exists(creates, catalog))
  const problems = statements.flatMap(({ creates }) => conflictsOf(creates, catalog))
  if (ledgerRow !== null && ledgerRow.checksum !== checksum) {
    problems.unshift(`${migration.name} was edited after it was applied`)
  }
  const base = { compiled, absent, problems, ledgerRow }
  if (problems.length > 0) return { ...base, standing: 'drifted' }
  if (ledgerRow === null) return { ...base, standing: absent.length === 0 ? 'adoptable' : 'pending' }
  return { ...base, standing: absent.length === 0 ? ledgerRow.outcome : 'missing' }
}

/** Whether the migration has something to do. */
export function isOpen({ standing }: MigrationState): boolean {
  return standing === 'pending' || standing === 'adoptable' || standing === 'missing'
}

/** Throws ORCH_DATABASE_NEWER or ORCH_MIGRATION_DRIFT, listing everything that is wrong. */
export function refuseDrift(state: DatabaseState, consequence = 'Nothing was migrated'): void {
  const problems = [...state.ledgerProblems, ...state.migrations.flatMap((migration) => migration.problems)]
  if (problems.length > 0) {
    throw new OrchError('ORCH_MIGRATION_DRIFT', `${consequence}: ${problems.join('; ')}`, {
      hint: 'orch never changes what exists. `orch db status` shows every table; rename or repair the one named here',
    })
  }
  if (state.unknown.length === 0) return
  const names = state.unknown.map(({ name }) => name).join(', ')
  throw new OrchError('ORCH_DATABASE_NEWER', `The database has migrations that this orch does not know: ${names}`, {
    hint: 'Update orch; reading still works with this version',
  })
}
