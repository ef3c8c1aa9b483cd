import type { Database } from '../connection.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import { validateOnClone, type PlanOptions } from './clone-validation.ts'
import { objectName } from './compiled-migration.ts'
import { ledgerInsert } from './ledger.ts'
import { prepareSteps, selectSteps, type MigrationSource, type MigrationStep } from './migration-step.ts'
import { readState, type DatabaseState } from './migration-state.ts'

export interface PlannedMigration {
  readonly name: string
  readonly table: string
  readonly reason: string
  readonly outcome: MigrationLedgerRow['outcome']
  /** `table jobs`, `index jobs_claim`; empty when everything exists and is only recorded. */
  readonly creates: readonly string[]
  /** Exactly what would be sent; the ledger's row leaves its time and duration open. */
  readonly statements: readonly string[]
}

export interface MigrationPlan {
  readonly steps: readonly PlannedMigration[]
  /** Open migrations after `to`. */
  readonly remaining: number
  /** Why a real run would refuse to do anything: drift and migrations of a newer orch. */
  readonly problems: readonly string[]
  /** Whether the statements were executed on a clone, or only compiled. */
  readonly validation: 'executed' | 'compiled'
}

/**
 * What `migrate` would do, from the same selection. Writes nothing, waits for no lock, and needs only the
 * right to read. Throws ORCH_MIGRATION_REFUSED like the real run, and ORCH_DATABASE_FAILED when a
 * statement fails on the clone.
 */
export async function planMigration(database: Database, options: PlanOptions): Promise<MigrationPlan> {
  const source = await prepareSteps(database.dialect, options.migrations)
  const state = await source.engine.read(database.db, (trx) => readState(trx, source))
  const { steps, remaining } = selectSteps(source, state, options.to)
  const problems = problemsOf(state)
  const validation =
    problems.length > 0 || steps.length === 0
      ? 'compiled'
      : await validateOnClone({ database, source, state, steps, options })
  const planned = steps.map((step, index) =>
    plannedMigration(source, { step, sequence: state.lastSequence + 1 + index, toolVersion: options.toolVersion }),
  )
  return { steps: planned, remaining, problems, validation }
}

interface PlannedInput {
  readonly step: MigrationStep
  readonly sequence: number
  readonly toolVersion: string
}

export function plannedMigration(
  source: MigrationSource,
  { step, sequence, toolVersion }: PlannedInput,
): PlannedMigration {
  const { migration, checksum } = step.compiled
  const known = { sequence, name: migration.name, checksum, outcome: step.outcome, tool_version: toolVersion }
  const entry = { ...known, duration_ms: null, applied_at: null }
  return {
    name: migration.name,
    table: migration.table,
    reason: migration.reason,
    outcome: step.outcome,
    creates: step.state.absent.map(({ creates }) => objectName(creates)),
    statements: [...step.statements, ledgerInsert(source.compiler, source.schema, entry)],
  }
}

export function problemsOf(state: DatabaseState): readonly string[] {
  return [
    ...state.ledgerProblems,
    ...state.migrations.flatMap((migration) => migration.problems),
    ...state.unknown.map(({ name }) => `${name} is in the ledger and unknown to this orch: the database is newer`),
  ]
}
