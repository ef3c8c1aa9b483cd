import { createHash } from 'node:crypto'
import {
  DummyDriver,
  Kysely,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type OperationNode,
  type QueryResult,
} from 'kysely'
import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import { objectName, type CompiledMigration, type CreatedObject, type Statement } from './compiled-migration.ts'
import { createdObjects } from './created-object.ts'
import type { MigrationEngine } from './engine.ts'
import { refusal } from './guard.ts'
import { withLiteralRows } from './literal-rows.ts'
import { MigrationFailure } from './migration-failure.ts'
import type { Migration } from './migration.ts'
import { unusedRawSql } from './raw-sql.ts'
import { statementRefusal } from './sql-text.ts'

/**
 * Runs `up` against a recording driver that has no database behind it, checks every statement that
 * reaches the driver, compiles it again from its checked node, and checks the text that comes out. A migration
 * therefore never holds a connection: neither `withoutPlugins`, nor a transaction of its own, nor hand-made SQL
 * gets past. Throws ORCH_MIGRATION_REFUSED, naming the statement and the reason.
 */
export async function compileMigration(
  engine: MigrationEngine,
  migration: Migration,
  schema: string | null,
): Promise<CompiledMigration> {
  const statements = await record(engine, migration, schema)
  const unqualified = schema === null ? statements : await record(engine, migration, null)
  if (statements.length === 0) throw refused(migration, 'nothing', 'it has no statement')
  const concurrent = migration.transaction === false
  return {
    migration,
    statements: concurrent ? [concurrentIndex(engine, migration, statements)] : statements,
    checksum: checksumOf(unqualified),
  }
}

/** Outside a transaction nothing can be taken back, so exactly one statement may be there, one that cannot harm. */
function concurrentIndex(engine: MigrationEngine, migration: Migration, statements: readonly Statement[]): Statement {
  const [statement, second] = statements
  if (statement?.creates.kind !== 'index' || second !== undefined) {
    const shown = statements.map(({ sql }) => sql).join('; ')
    throw refused(migration, shown, 'only one index may be created outside a transaction, and nothing else with it')
  }
  return { ...statement, sql: engine.concurrentIndex(statement.sql) }
}

/** Compiles a list in order; the first refused one ends it, and so does one that creates what an earlier one creates. */
export async function compileMigrations(
  engine: MigrationEngine,
  migrations: readonly Migration[],
  schema: string | null,
): Promise<readonly CompiledMigration[]> {
  const compiled: CompiledMigration[] = []
  const makers = new Map<string, string>()
  for (const migration of migrations) {
    const one = await compileMigration(engine, migration, schema)
    refuseRepetition(one, makers)
    compiled.push(one)
  }
  return compiled
}

/** A second maker of an object would fail on an empty database, or be taken for an adoption. Adds to `makers`. */
export function refuseRepetition({ migration, statements }: CompiledMigration, makers: Map<string, string>): void {
  for (const { sql, creates } of statements) {
    for (const name of namesOf(creates)) {
      // One of the engines does not tell upper from lower case.
      const key = name.toLowerCase()
      const maker = makers.get(key)
      if (maker !== undefined && maker !== migration.name)
        throw refused(migration, sql, `${maker} creates the ${name} already`)
      makers.set(key, migration.name)
    }
  }
}

function namesOf(created: CreatedObject): readonly string[] {
  if (created.kind !== 'table') return [objectName(created)]
  const { table } = created
  const columns = created.columns.map((column) => objectName({ kind: 'column', table, column }))
  return [objectName(created), ...columns]
}

async function record(engine: MigrationEngine, migration: Migration, schema: string | null): Promise<Statement[]> {
  const recorder = new RecordingDriver(engine, migration, schema)
  const kysely = new Kysely<unknown>({
    dialect: {
      createAdapter: () => engine.createAdapter(),
      createQueryCompiler: () => engine.createQueryCompiler(),
      createIntrospector: () => {
        throw refused(migration, 'introspection', 'a migration may not look at the database')
      },
      createDriver: () => recorder,
    },
  })
  try {
    await migration.up(schema === null ? kysely : kysely.withSchema(schema))
  } catch (error) {
    // A builder that does not know a type or an option throws before there is a statement.
    throw error instanceof OrchError ? error : refused(migration, 'no statement', `it fails: ${errorMessage(error)}`)
  }
  const [unused] = unusedRawSql(migration.rawSql ?? [], recorder.nodes)
  if (unused !== undefined) throw refused(migration, unused, 'it declares raw SQL that is not in it')
  return recorder.statements
}

/** Length-prefixed, so that no two lists of statements can be read as the same text. */
function checksumOf(statements: readonly Statement[]): string {
  const hash = createHash('sha256')
  for (const { transactionalSql: sql } of statements) hash.update(`${sql.length}:${sql}`)
  return hash.digest('hex')
}

class RecordingDriver extends DummyDriver implements Driver {
  readonly statements: Statement[] = []
  readonly nodes: OperationNode[] = []
  readonly #engine: MigrationEngine
  readonly #migration: Migration
  readonly #schema: string | null

  constructor(engine: MigrationEngine, migration: Migration, schema: string | null) {
    super()
    this.#engine = engine
    this.#migration = migration
    this.#schema = schema
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return {
      executeQuery: <R>(query: CompiledQuery) => this.#record<R>(query),
      streamQuery: () => {
        throw refused(this.#migration, 'a stream', 'a migration may not read')
      },
    }
  }

  override async beginTransaction(): Promise<void> {
    throw refused(
      this.#migration,
      'begin',
      'the transaction is the runner’s, which commits all of a migration or nothing',
    )
  }

  async #record<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const node = withLiteralRows(query.query)
    const target = { table: this.#migration.table, schema: this.#schema }
    const reason = refusal(node, {
      ...target,
      createsTable: this.statements.some(({ creates }) => creates.kind === 'table'),
      rawSql: this.#migration.rawSql ?? [],
    })
    if (reason !== null) throw refused(this.#migration, query.sql, reason)
    // The node was checked, the text was not: what runs is compiled from the node.
    const { sql } = this.#engine.createQueryCompiler().compileQuery(node, query.queryId)
    const isRaw = node.kind === 'RawNode'
    const broken = statementRefusal(sql, isRaw ? { ...target, schema: null } : target)
    if (broken !== null) throw refused(this.#migration, sql, broken)
    this.nodes.push(node)
    const objects = createdObjects(node, this.#engine, this.#migration.table)
    this.statements.push(...objects.map((creates) => ({ sql, transactionalSql: sql, creates })))
    return { rows: [] }
  }
}

function refused(migration: Migration, statement: string, reason: string): MigrationFailure {
  const shown = statement.length > 200 ? `${statement.slice(0, 200)}...` : statement
  return new MigrationFailure(
    'ORCH_MIGRATION_REFUSED',
    `Migration ${migration.name} is refused: ${reason}\n  ${shown}`,
    {
      migration: migration.name,
      statement,
      hint: 'Migrations only create: a table with its indexes and first rows, an index, or a column that is nullable or has a constant default',
    },
  )
}
