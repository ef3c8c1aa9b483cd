import { OrchError } from '../../errors/orch-error.ts'
import type { Db } from '../dialect/dialect.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import type { Catalog } from './catalog.ts'
import type { CompiledMigration, Statement } from './compiled-migration.ts'
import type { MigrationEngine } from './engine.ts'
import { ledgerMigration, readLedger } from './ledger.ts'
import { conflictsOf, exists } from './object-shape.ts'
import { incompleteError, unfinishedIndexes, unfinishedProblem } from './unfinished.ts'

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
  /** It was edited, what exists has another shape, or a build failed halfway: nothing will be done. */
  | 'drifted'

export interface MigrationState {
  readonly compiled: CompiledMigration
  readonly standing: MigrationStanding
  /** The statements whose objects do not exist. */
  readonly absent: readonly Statement[]
  /** What is wrong, one sentence each; empty unless drifted. */
  readonly problems: readonly string[]
  /** Indexes that a failed build left behind; each is among the problems too. */
  readonly unfinished: readonly string[]
  /** Why it cannot be applied after others that came before it; among the problems too. */
  readonly disorder: string | null
  readonly ledgerRow: MigrationLedgerRow | null
}

export interface DatabaseState {
  /** The schema that was looked at; null where there are none. */
  readonly schema: string | null
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
  readonly schema: string | null
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
    schema: source.schema,
    schemaExists: catalog.schemaExists,
    ledgerExists,
    ledgerProblems,
    lastSequence: rows.at(-1)?.sequence ?? 0,
    migrations: source.migrations.map((compiled) => {
      const state = standingOf(compiled, catalog, rows)
      const problem = isOpen(state) ? disorderOf(state, source.migrations) : null
      return problem === null ? state : { ...state, standing: 'drifted', problems: [problem], disorder: problem }
    }),
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
  const unfinished = unfinishedIndexes(statements, catalog)
  problems.push(...unfinished.map(unfinishedProblem))
  const base = { compiled, absent, problems, unfinished, disorder: null, ledgerRow }
  if (problems.length > 0) return { ...base, standing: 'drifted' }
  if (ledgerRow === null) return { ...base, standing: absent.length === 0 ? 'adoptable' : 'pending' }
  return { ...base, standing: absent.length === 0 ? ledgerRow.outcome : 'missing' }
}

/**
 * A migration that was left out when later ones ran is applied now, because each is about objects of its own. One
 * that needs what a later one makes is not: it works here and would fail in every new database.
 */
function disorderOf({ compiled, absent }: MigrationState, all: readonly CompiledMigration[]): string | null {
  const maker = all.findIndex(({ statements }) =>
    statements.some(
      ({ creates }) => creates.kind === 'table' && absent.some((one) => one.creates.table === creates.table),
    ),
  )
  if (maker <= all.indexOf(compiled)) return null
  const { name, table } = compiled.migration
  return `${name} is out of order: it needs the table ${table}, which ${all[maker]?.migration.name} makes after it`
}

/** Whether the migration has something to do. */
export function isOpen({ standing }: MigrationState): boolean {
  return standing === 'pending' || standing === 'adoptable' || standing === 'missing'
}

function problemsOf({ ledgerProblems, migrations }: DatabaseState): readonly string[] {
  return [...ledgerProblems, ...migrations.flatMap(({ problems }) => problems)]
}

/** Whether nothing is wrong but that the build of an index has not ended, or has failed. */
export function isUnfinished(state: DatabaseState): boolean {
  const unfinished = state.migrations.flatMap((migration) => migration.unfinished)
  return unfinished.length > 0 && unfinished.length === problemsOf(state).length
}

/**
 * Throws ORCH_DATABASE_NEWER, ORCH_MIGRATION_INCOMPLETE (nothing but what a failed build left behind) or
 * ORCH_MIGRATION_DRIFT, listing everything that is wrong.
 */
export function refuseDrift(state: DatabaseState, consequence = 'Nothing was migrated'): void {
  const problems = problemsOf(state)
  if (isUnfinished(state)) {
    const indexes = state.migrations.flatMap((migration) => migration.unfinished)
    throw incompleteError(indexes, { schema: state.schema, consequence })
  }
  if (problems.length > 0) {
    throw new OrchError('ORCH_MIGRATION_DRIFT', `${consequence}: ${problems.join('; ')}`, {
      hint: 'orch never changes what exists. `orch db status` shows every table; rename or repair the one named here',
    })
  }
  if (state.unknown.length === 0) return
  const names = state.unknown.map(({ name, tool_version }) => `${name} (by orch ${tool_version})`).join(', ')
  throw new OrchError('ORCH_DATABASE_NEWER', `The database has migrations that this orch does not know: ${names}`, {
    hint: 'Update orch; reading still works with this version',
  })
}
