/** One migration inside the transaction that holds the lock: its statements, its proofs, its row of the ledger. */
import { CompiledQuery } from 'kysely'
import { errorMessage } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import type { Catalog } from './catalog.ts'
import type { Statement } from './compiled-migration.ts'
import type { CatalogSpelling } from './created-object.ts'
import { ledgerInsert, ledgerMigration } from './ledger.ts'
import { MigrationFailure } from './migration-failure.ts'
import type { DatabaseState } from './migration-state.ts'
import type { MigrationSource, MigrationStep } from './migration-step.ts'
import { losses, proveSurvival, type Inventory } from './survival.ts'

export interface CommittedStep {
  readonly name: string
  readonly table: string
  /** `adopted`: everything was there already and was only recorded. */
  readonly outcome: MigrationLedgerRow['outcome']
  readonly durationMs: number
  /** What was sent, in order, the ledger's row included. */
  readonly statements: readonly string[]
}

export interface StepContext {
  readonly step: MigrationStep
  readonly state: DatabaseState
  readonly source: MigrationSource
  readonly database: Database
  readonly clock: Clock
  readonly toolVersion: string
}

/** Throws ORCH_DATABASE_FAILED, ORCH_MIGRATION_DRIFT or ORCH_MIGRATION_REFUSED, all of which undo the whole of it. */
export async function applyStep(trx: Trx, context: StepContext): Promise<CommittedStep> {
  const { step, source, clock, database } = context
  const begun: BegunStep = { startedAt: clock.monotonic(), before: await source.engine.takeInventory(trx) }
  for (const [index, statement] of step.statements.entries()) {
    await runStatement(trx, database, { step, statement, position: index + 1 })
  }
  return recordStep(trx, context, begun)
}

/** What was measured before the first statement. */
export interface BegunStep {
  readonly startedAt: number
  readonly before: Inventory
}

/** Proves that what was declared is there and that nothing else was touched, the ledger's row included. */
export async function recordStep(trx: Trx, context: StepContext, begun: BegunStep): Promise<CommittedStep> {
  const { step, source, clock, database } = context
  const { name, table } = step.compiled.migration
  proveCreated(await source.engine.readCatalog(trx), step, source.engine)
  const durationMs = Math.round(clock.monotonic() - begun.startedAt)
  const insert = ledgerInsert(source.compiler, source.schema, {
    sequence: context.state.lastSequence + 1,
    name,
    checksum: step.compiled.checksum,
    outcome: step.outcome,
    duration_ms: durationMs,
    tool_version: context.toolVersion,
    applied_at: await database.dialect.now(trx),
  })
  await trx.executeQuery(CompiledQuery.raw(insert))
  const after = await source.engine.takeInventory(trx)
  proveSurvival(name, losses(begun.before, after, addedRows(step)))
  return {
    name,
    table,
    outcome: step.outcome,
    durationMs,
    statements: [...step.statements, insert],
  }
}

/** The only rows that a migration may add: the first ones of a table it creates, and its own in the ledger. */
function addedRows({ state }: MigrationStep): ReadonlyMap<string, number> {
  const added = new Map([[ledgerMigration.table, 1]])
  for (const { creates } of state.absent) {
    if (creates.kind === 'rows') added.set(creates.table, (added.get(creates.table) ?? 0) + creates.count)
  }
  return added
}

export interface StatementContext {
  readonly step: MigrationStep
  readonly statement: string
  readonly position: number
}

/** Runs one statement. Throws ORCH_DATABASE_FAILED, naming it; contention passes through. */
export async function runStatement(
  db: Pick<Trx, 'executeQuery'>,
  database: Database,
  { step, statement, position }: StatementContext,
): Promise<void> {
  try {
    await db.executeQuery(CompiledQuery.raw(statement))
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
export function proveCreated(
  catalog: Catalog,
  { compiled }: Pick<MigrationStep, 'compiled'>,
  spelling: CatalogSpelling,
): void {
  const { migration, statements } = compiled
  const spell = (name: string) => spelling.catalogName(name)
  const columns = catalog.tables.get(spell(migration.table))?.columns
  const hasIndex = (index: string) => catalog.indexes.get(spell(index))?.valid === true
  const missing = [
    ...migration.columns.filter((column) => columns?.has(spell(column)) !== true).map((column) => `column ${column}`),
    ...migration.indexes.filter((index) => !hasIndex(index)).map((index) => `index ${index}`),
    ...undeclared(statements, new Set(migration.indexes.map(spell))),
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
function undeclared(statements: readonly Statement[], declared: ReadonlySet<string>): readonly string[] {
  return statements.flatMap(({ creates }) =>
    creates.kind === 'index' && !declared.has(creates.name) ? [`undeclared index ${creates.name}`] : [],
  )
}
