/** Proves a plan by executing it where it cannot do harm. Compiling alone would let wrong SQL pass. */
import { CompiledQuery, sql } from 'kysely'
import type { Clock } from '../../runtime/clock.ts'
import { openDatabase, type Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { Catalog } from './catalog.ts'
import type { Statement } from './compiled-migration.ts'
import { readLedger } from './ledger.ts'
import { proveCreated, runStatement } from './apply-step.ts'
import { MigrationFailure } from './migration-failure.ts'
import { migrate } from './migrate.ts'
import { prepareSteps, type MigrationSource, type MigrationStep } from './migration-step.ts'
import type { Migration } from './migration.ts'
import type { DatabaseState } from './migration-state.ts'

export interface PlanOptions {
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly toolVersion: string
  readonly to?: string
  /**
   * Opens the same server so that the plan can be executed in a schema of its own and rolled back. Not
   * asked for on engines that clone in memory.
   */
  readonly openScratch: (schema: string) => Promise<Database>
}

export interface CloneInput {
  readonly database: Database
  readonly source: MigrationSource
  readonly state: DatabaseState
  readonly steps: readonly MigrationStep[]
  readonly options: PlanOptions
}

/** Throws ORCH_DATABASE_FAILED when a statement fails on the clone; `compiled` when no clone could be made. */
export function validateOnClone(input: CloneInput): Promise<'executed' | 'compiled'> {
  return input.source.schema === null ? validateInMemory(input) : validateInScratchSchema(input, input.source.schema)
}

/** The catalog replayed into memory, migrated by the real runner. */
async function validateInMemory({ database, state, options }: CloneInput): Promise<'executed' | 'compiled'> {
  const { clock } = options
  const clone = await openDatabase(':memory:', { clock, random: { next: () => 0 } })
  try {
    if (!(await replayCatalog(database, clone, state.ledgerExists))) return 'compiled'
    await migrate(clone, { ...options, lockTimeoutMs: 0 })
    return 'executed'
  } finally {
    await clone.close()
  }
}

/** False when the database holds something that cannot be replayed, such as a table of a missing extension. */
async function replayCatalog(database: Database, clone: Database, ledgerExists: boolean): Promise<boolean> {
  const { rows } = await sql<{ sql: string }>`
    select sql from sqlite_master where sql is not null and name not like 'sqlite\\_%' escape '\\'
    order by case type when 'table' then 0 when 'index' then 1 when 'view' then 2 else 3 end, rowid`.execute(
    database.db,
  )
  try {
    for (const row of rows) await clone.db.executeQuery(CompiledQuery.raw(row.sql))
  } catch {
    return false
  }
  const ledger = ledgerExists ? await readLedger(database.db) : []
  if (ledger.length > 0) await clone.db.insertInto('orch_migrations').values(ledger).execute()
  return true
}

/** Undoes the scratch transaction. */
class RollBack extends Error {}

/**
 * A schema of its own in a transaction that is always rolled back. Existing tables that a step extends are
 * cloned empty with `like`, which takes no more than a reader's lock on the real ones.
 */
async function validateInScratchSchema(input: CloneInput, schema: string): Promise<'executed' | 'compiled'> {
  if (!(await mayCreateSchemas(input.database))) return 'compiled'
  const scratch = `orch_dry_run_${await backendPid(input.database)}`
  const database = await input.options.openScratch(scratch)
  try {
    await database.db.transaction().execute(async (trx) => {
      await rehearse(trx, database, { ...input, schema, scratch })
      throw new RollBack()
    })
  } catch (error) {
    if (error instanceof RollBack) return 'executed'
    // A table that somebody holds exclusively cannot be cloned now; waiting for it is not worth it.
    if (database.dialect.classify(error) === 'contention') return 'compiled'
    throw error
  } finally {
    await database.close()
  }
  return 'executed'
}

async function mayCreateSchemas({ db }: Database): Promise<boolean> {
  const { rows } = await sql<{ allowed: boolean }>`
    select has_database_privilege(current_database(), 'CREATE') and not pg_is_in_recovery() as allowed`.execute(db)
  return rows[0]?.allowed === true
}

async function backendPid({ db }: Database): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  return rows[0]?.pid ?? 0
}

interface Rehearsal extends CloneInput {
  readonly schema: string
  readonly scratch: string
}

async function rehearse(trx: Trx, database: Database, input: Rehearsal): Promise<void> {
  await sql`select set_config('lock_timeout', '1s', true)`.execute(trx)
  const scratchSource = await prepareSteps(database.dialect, input.options.migrations)
  const first = [scratchSource.schemaSql ?? '', ...scratchSource.ledger.statements.map((statement) => statement.sql)]
  for (const statement of first) await trx.executeQuery(CompiledQuery.raw(statement))
  const real = await input.source.engine.readCatalog(input.database.db)
  for (const table of extendedTables(input.steps).filter((name) => real.tables.has(name))) {
    await sql`create table ${sql.id(input.scratch, table)} (like ${sql.id(input.schema, table)} including all)`.execute(
      trx,
    )
  }
  for (const step of input.steps) {
    const statements = scratchStatements(step, scratchSource)
    for (const [index, statement] of statements.entries()) {
      const numbered = { ...step, statements: statements.map(({ transactionalSql }) => transactionalSql) }
      const { transactionalSql } = statement
      await runStatement(trx, database, { step: numbered, statement: transactionalSql, position: index + 1 }).catch(
        (error: unknown) => {
          throw inRealNames(error, step.state.absent[index]?.sql, input)
        },
      )
    }
    proveCreated(merged(real, await scratchSource.engine.readCatalog(trx)), step, scratchSource.engine)
  }
}

/** A failure as the real run would tell it: the scratch schema is nobody's business. */
function inRealNames(error: unknown, statement: string | undefined, { scratch, schema }: Rehearsal): unknown {
  if (!(error instanceof MigrationFailure) || statement === undefined) return error
  const { code, migration, message, hint, cause } = error
  const more = hint === undefined ? {} : { hint }
  return new MigrationFailure(code, message.replaceAll(scratch, schema), { migration, statement, cause, ...more })
}

/** What exists after a step: clones of indexes have names of their own, so those that existed count by the real ones. */
function merged(real: Catalog, scratch: Catalog): Catalog {
  const tables = new Map([...real.tables, ...scratch.tables])
  return { schemaExists: true, tables, indexes: new Map([...real.indexes, ...scratch.indexes]) }
}

/** Tables that a step adds a column or an index to without creating them. */
function extendedTables(steps: readonly MigrationStep[]): readonly string[] {
  const created = new Set(steps.flatMap(({ state }) => tablesIn(state.absent)))
  const touched = new Set(steps.flatMap(({ state }) => state.absent.map(({ creates }) => creates.table)))
  return [...touched].filter((table) => !created.has(table))
}

function tablesIn(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap(({ creates }) => (creates.kind === 'table' ? [creates.table] : []))
}

/** The step's statements with the scratch schema's name in them. */
function scratchStatements(step: MigrationStep, source: MigrationSource): readonly Statement[] {
  const { statements, migration } = step.compiled
  const twin = source.migrations.find((other) => other.migration.name === migration.name)
  return (twin?.statements ?? []).filter((_, index) => {
    const original = statements[index]
    return original !== undefined && step.state.absent.includes(original)
  })
}
