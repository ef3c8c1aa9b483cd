import type { Database } from '../connection.ts'
import type { Migration } from './migration.ts'
import { readState, type MigrationState } from './migration-state.ts'
import { prepareSteps } from './migration-step.ts'
import { unknownNote } from './unknown-migration.ts'

export interface MigrationStatus {
  readonly name: string
  readonly table: string
  /**
   * `applied` by orch, `adopted` as found, `pending`, `missing` (was there and is gone; `db migrate` creates
   * it again, empty), `drifted` (edited or of another shape), `unknown` (of a newer orch).
   */
  readonly state: 'applied' | 'adopted' | 'pending' | 'missing' | 'drifted' | 'unknown'
  /** What is wrong or what will happen, one sentence each. */
  readonly notes: readonly string[]
  /** Epoch milliseconds of the ledger's row. */
  readonly appliedAt: number | null
  readonly toolVersion: string | null
}

export interface DatabaseStatus {
  readonly migrations: readonly MigrationStatus[]
  /** Problems of the ledger's own table. */
  readonly ledgerProblems: readonly string[]
  /** Who migrates at this moment, for people; null where nobody does, or nobody can tell. */
  readonly lockHolder: string | null
}

/** Where every migration stands. Only reads. */
export async function migrationStatus(database: Database, migrations: readonly Migration[]): Promise<DatabaseStatus> {
  const source = await prepareSteps(database.dialect, migrations)
  const state = await readState(database.db, source)
  const unknown = state.unknown.map((row): MigrationStatus => ({
    name: row.name,
    table: '',
    state: 'unknown',
    notes: [unknownNote(row, migrations).note],
    appliedAt: row.applied_at,
    toolVersion: row.tool_version,
  }))
  const lockHolder = await source.engine.lockHolder(database)
  return {
    migrations: [...state.migrations.map(statusOf), ...unknown],
    ledgerProblems: state.ledgerProblems,
    lockHolder,
  }
}

/** Whether something disagrees with the ledger: drift, or a newer database. */
export function hasDrift({ migrations, ledgerProblems }: DatabaseStatus): boolean {
  return ledgerProblems.length > 0 || migrations.some(({ state }) => state === 'drifted' || state === 'unknown')
}

function statusOf(state: MigrationState): MigrationStatus {
  const { compiled, ledgerRow, standing } = state
  return {
    name: compiled.migration.name,
    table: compiled.migration.table,
    state: standing === 'adoptable' ? 'pending' : standing,
    notes: notesOf(state),
    appliedAt: ledgerRow?.applied_at ?? null,
    toolVersion: ledgerRow?.tool_version ?? null,
  }
}

function notesOf({ standing, problems }: MigrationState): readonly string[] {
  if (standing === 'adoptable') return ['exists already: it will be recorded, nothing will be executed']
  if (standing === 'missing') return ['was there and is gone: it will be created again, empty']
  return problems
}
