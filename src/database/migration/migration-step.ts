import { Kysely, DummyDriver } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Db, Dialect } from '../dialect/dialect.ts'
import type { MigrationLedgerRow, Tables } from '../tables.ts'
import { compileMigration, compileMigrations } from './compile-migration.ts'
import { isConcurrent, type CompiledMigration } from './compiled-migration.ts'
import { migrationEngine, type MigrationEngine } from './engine.ts'
import { ledgerMigration, schemaStatement } from './ledger.ts'
import type { Migration } from './migration.ts'
import { isOpen, type DatabaseState, type MigrationState, type StateSource } from './migration-state.ts'

/** Everything that is needed to select and to run; compiled once per run. */
export interface MigrationSource extends StateSource {
  /** Builds statements in the engine's language; has no database behind it. */
  readonly compiler: Db
  /** Creates the schema; null where there are none. */
  readonly schemaSql: string | null
}

/** One migration that will be committed, with every statement but the ledger's row. */
export interface MigrationStep {
  readonly compiled: CompiledMigration
  readonly state: MigrationState
  readonly outcome: MigrationLedgerRow['outcome']
  readonly statements: readonly string[]
  /** Its one statement must run outside a transaction. */
  readonly concurrent: boolean
}

export interface SelectedSteps {
  readonly steps: readonly MigrationStep[]
  /** Open migrations after `to`. */
  readonly remaining: number
}

/** Compiles and guards all migrations for the engine. Throws ORCH_MIGRATION_REFUSED. */
export async function prepareSteps(dialect: Dialect, migrations: readonly Migration[]): Promise<MigrationSource> {
  const engine = await migrationEngine(dialect)
  return sourceOf(engine, dialect.schema, await compileMigrations(engine, migrations, dialect.schema))
}

/** The same for migrations that are compiled already. */
export async function sourceOf(
  engine: MigrationEngine,
  schema: string | null,
  migrations: readonly CompiledMigration[],
): Promise<MigrationSource> {
  const compiler = new Kysely<Tables>({
    dialect: {
      createAdapter: () => engine.createAdapter(),
      createQueryCompiler: () => engine.createQueryCompiler(),
      createDriver: () => new DummyDriver(),
      createIntrospector: () => {
        throw new OrchError('ORCH_BUG', 'The compiler of migrations has no database to look at')
      },
    },
  })
  return {
    engine,
    schema,
    compiler,
    schemaSql: schema === null ? null : schemaStatement(compiler, schema),
    ledger: await compileMigration(engine, ledgerMigration, schema),
    migrations,
  }
}

/**
 * What a run would commit, in order. The dry run and the real run both call this, so they cannot differ.
 * Throws ORCH_NOT_FOUND when no migration is called `to`, ORCH_CONFLICT when the database is past it.
 */
export function selectSteps(source: MigrationSource, state: DatabaseState, to?: string): SelectedSteps {
  const wanted = to === undefined ? state.migrations : upTo(state, to)
  const open = wanted.filter(isOpen)
  const steps = open.map((migration, index) => stepFor(migration, index === 0 ? prelude(source, state) : []))
  return { steps, remaining: state.migrations.filter(isOpen).length - open.length }
}

function stepFor(state: MigrationState, first: readonly string[]): MigrationStep {
  return {
    compiled: state.compiled,
    state,
    outcome: state.absent.length === 0 ? 'adopted' : 'applied',
    statements: [...first, ...state.absent.map(({ sql }) => sql)],
    concurrent: state.absent.some(isConcurrent),
  }
}

/** The same step for a transaction that is open already: an index is then built like any other. */
export function insideTransaction(step: MigrationStep): MigrationStep {
  const { absent } = step.state
  const first = step.statements.slice(0, step.statements.length - absent.length)
  return {
    ...step,
    statements: [...first, ...absent.map(({ transactionalSql }) => transactionalSql)],
    concurrent: false,
  }
}

/** Schema and ledger come with the first migration, in its transaction. */
export function prelude(
  { schemaSql, ledger }: MigrationSource,
  state: Pick<DatabaseState, 'schemaExists' | 'ledgerExists'>,
): readonly string[] {
  const schema = schemaSql === null || state.schemaExists ? [] : [schemaSql]
  return state.ledgerExists ? schema : [...schema, ...ledger.statements.map(({ sql }) => sql)]
}

/** `to` is a migration's name, or its number. */
function upTo(state: DatabaseState, to: string): readonly MigrationState[] {
  const { migrations } = state
  const at = migrations.findIndex(({ compiled }) => {
    const { name } = compiled.migration
    return name === to || name.startsWith(`${to}-`)
  })
  if (at === -1) {
    throw new OrchError('ORCH_NOT_FOUND', `There is no migration ${to}`, { hint: '`orch db status` lists them all' })
  }
  const wanted = migrations.slice(0, at + 1)
  const past = migrations.slice(at + 1).find(({ ledgerRow }) => ledgerRow !== null)
  if (past !== undefined && !wanted.some(isOpen)) {
    throw new OrchError(
      'ORCH_CONFLICT',
      `The database is already past ${to}: it has ${past.compiled.migration.name}. orch never migrates down`,
      { hint: 'Restore a backup to go back' },
    )
  }
  return wanted
}
