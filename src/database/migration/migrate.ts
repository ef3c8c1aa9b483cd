import { CompiledQuery } from 'kysely'
import { errorMessage } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Database } from '../connection.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import type { Catalog } from './catalog.ts'
import type { Statement } from './compiled-migration.ts'
import { MigrationFailure } from './migration-failure.ts'
import type { Migration } from './migration.ts'
import { underMigrationLock } from './migration-lock.ts'
import {
  prepareSteps,
  selectSteps,
  type MigrationSource,
  type MigrationStep,
  type SelectedSteps,
} from './migration-step.ts'
import { ledgerInsert } from './ledger.ts'
import { readState, refuseDrift, type DatabaseState } from './migration-state.ts'
import { proveSurvival } from './survival.ts'

export interface MigrateOptions {
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly toolVersion: string
  /** Stop after this migration. Forward only. */
  readonly to?: string
  /** How long to ask for the migration lock; default 30 s. */
  readonly lockTimeoutMs?: number
  /** Ends the run between two migrations. */
  readonly signal?: AbortSignal
  /** Awaited once, before the first statement of a run that has something to do; what it throws ends the run. */
  readonly beforeFirst?: () => Promise<void>
  /** Told after each migration that was committed. */
  readonly onStep?: (step: CommittedStep) => void
}

export interface CommittedStep {
  readonly name: string
  readonly table: string
  /** `adopted`: everything was there already and was only recorded. */
  readonly outcome: MigrationLedgerRow['outcome']
  readonly durationMs: number
  /** What was sent, in order, the ledger's row included. */
  readonly statements: readonly string[]
}

export interface MigrationReport {
  /** What this run committed; empty when there was nothing to do. */
  readonly steps: readonly CommittedStep[]
  /** Migrations that remain open: those after `to`, or after the signal. */
  readonly remaining: number
  /** Whether this run made the schema, on engines that have schemas. */
  readonly createdSchema: boolean
}

const defaultLockTimeoutMs = 30_000

/**
 * Applies what is open, each migration in one transaction of its own, selected anew after the lock is
 * held; so any number of processes may run this at once and each migration is applied exactly once.
 * With nothing open it neither locks nor writes.
 * Throws ORCH_MIGRATION_REFUSED (a migration would change or destroy), ORCH_MIGRATION_DRIFT and
 * ORCH_DATABASE_NEWER (ledger, catalog and migrations disagree), ORCH_MIGRATION_LOCKED,
 * ORCH_DATABASE_FAILED (a statement failed; its migration left nothing behind).
 */
export async function migrate(database: Database, options: MigrateOptions): Promise<MigrationReport> {
  const source = await prepareSteps(database.dialect, options.migrations)
  const steps: CommittedStep[] = []
  let open = selectSteps(source, await readSoundState(database.db, source), options.to)
  if (open.steps.length > 0) await options.beforeFirst?.()
  while (open.steps.length > 0 && options.signal?.aborted !== true) {
    const { committed, left } = await commitNext(database, source, options)
    open = left
    if (committed === null) continue
    steps.push(committed)
    options.onStep?.(committed)
  }
  const createdSchema = steps.some(({ statements }) => statements[0] === source.schemaSql)
  return { steps, remaining: open.remaining + open.steps.length, createdSchema }
}

/**
 * Applies everything that is open inside a transaction of the caller, who holds the migration lock: the tables are
 * committed with what the caller then writes into them, or not at all. Throws like `migrate`.
 */
export async function migrateWithin(
  trx: Trx,
  database: Database,
  options: MigrateOptions,
): Promise<readonly CommittedStep[]> {
  const source = await prepareSteps(database.dialect, options.migrations)
  const steps: CommittedStep[] = []
  for (;;) {
    const state = await readSoundState(trx, source)
    const [step] = selectSteps(source, state, options.to).steps
    if (step === undefined) return steps
    steps.push(await applyStep(trx, { step, state, source, database, options }))
  }
}

async function readSoundState(db: Db, source: MigrationSource): Promise<DatabaseState> {
  const state = await readState(db, source)
  refuseDrift(state)
  return state
}

interface NextCommit {
  /** Null when another process has done everything meanwhile. */
  readonly committed: CommittedStep | null
  readonly left: SelectedSteps
}

/** Commits the first migration that is open once the lock is held. */
async function commitNext(database: Database, source: MigrationSource, options: MigrateOptions): Promise<NextCommit> {
  const { clock, signal, lockTimeoutMs: timeoutMs = defaultLockTimeoutMs } = options
  const lock = { engine: source.engine, clock, timeoutMs, ...(signal === undefined ? {} : { signal }) }
  return underMigrationLock(database, lock, async (trx) => {
    const state = await readSoundState(trx, source)
    const { steps, remaining } = selectSteps(source, state, options.to)
    const [step, ...rest] = steps
    if (step === undefined) return { committed: null, left: { steps, remaining } }
    const committed = await applyStep(trx, { step, state, source, database, options })
    return { committed, left: { steps: rest, remaining } }
  })
}

interface StepContext {
  readonly step: MigrationStep
  readonly state: DatabaseState
  readonly source: MigrationSource
  readonly database: Database
  readonly options: MigrateOptions
}

async function applyStep(trx: Trx, context: StepContext): Promise<CommittedStep> {
  const { step, source, options, database } = context
  const { name, table } = step.compiled.migration
  const startedAt = options.clock.monotonic()
  const before = await source.engine.takeInventory(trx)
  for (const [index, statement] of step.statements.entries()) {
    await runStatement(trx, database, { step, statement, position: index + 1 })
  }
  proveCreated(await source.engine.readCatalog(trx), step)
  proveSurvival(name, before, await source.engine.takeInventory(trx))
  const durationMs = Math.round(options.clock.monotonic() - startedAt)
  const insert = ledgerInsert(source.compiler, source.schema, {
    sequence: context.state.lastSequence + 1,
    name,
    checksum: step.compiled.checksum,
    outcome: step.outcome,
    duration_ms: durationMs,
    tool_version: options.toolVersion,
    applied_at: await database.dialect.now(trx),
  })
  await trx.executeQuery(CompiledQuery.raw(insert))
  return {
    name,
    table,
    outcome: step.outcome,
    durationMs,
    statements: [...step.statements, insert],
  }
}

export interface StatementContext {
  readonly step: MigrationStep
  readonly statement: string
  readonly position: number
}

/** Runs one statement. Throws ORCH_DATABASE_FAILED, naming it; contention passes through. */
export async function runStatement(trx: Trx, database: Database, context: StatementContext): Promise<void> {
  const { step, statement, position } = context
  try {
    await trx.executeQuery(CompiledQuery.raw(statement))
  } catch (error) {
    if (database.dialect.classify(error) === 'contention') throw error
    const where = `statement ${position} of ${step.statements.length}`
    const migration = step.compiled.migration.name
    throw new MigrationFailure(
      'ORCH_DATABASE_FAILED',
      `Migration ${migration} failed at ${where}: ${errorMessage(error)}\n  ${statement}`,
      { migration, statement, hint: 'Nothing of this migration was kept; earlier ones are committed', cause: error },
    )
  }
}

/** The postcondition, read back from the catalog: what the migration declares must now exist. */
export function proveCreated(catalog: Catalog, step: Pick<MigrationStep, 'compiled'>): void {
  const { migration, statements } = step.compiled
  const table = catalog.tables.get(migration.table)
  const missing = [
    ...migration.columns.filter((column) => table?.columns.has(column) !== true).map((column) => `column ${column}`),
    ...migration.indexes.filter((index) => catalog.indexes.get(index)?.valid !== true).map((index) => `index ${index}`),
    ...undeclared(migration, statements),
  ]
  if (missing.length === 0) return
  throw new MigrationFailure(
    'ORCH_MIGRATION_DRIFT',
    `Migration ${migration.name} did not leave ${migration.table} as it declares: ${missing.join(', ')}`,
    {
      migration: migration.name,
      hint: 'It was rolled back. The columns and indexes it lists must be those it creates',
    },
  )
}

/** An index that is created and not declared would never be missed by `Capabilities`. */
function undeclared(migration: Migration, statements: readonly Statement[]): string[] {
  return statements.flatMap(({ creates }) =>
    creates.kind === 'index' && !migration.indexes.includes(creates.name) ? [`undeclared index ${creates.name}`] : [],
  )
}
