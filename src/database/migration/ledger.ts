import { sql, type Kysely } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { MigrationLedgerRow, Tables } from '../tables.ts'
import type { Migration } from './migration.ts'

/** The ledger's own table, compiled and guarded like any migration, and created together with the first one. */
export const ledgerMigration: Migration = {
  name: 'orch-migrations',
  table: 'orch_migrations',
  reason: 'which migrations this database has seen; rows are only ever added',
  columns: ['sequence', 'name', 'checksum', 'outcome', 'duration_ms', 'tool_version', 'applied_at'],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('orch_migrations')
      .addColumn('sequence', 'integer', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('checksum', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('duration_ms', 'bigint', (column) => column.notNull())
      .addColumn('tool_version', 'text', (column) => column.notNull())
      .addColumn('applied_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('orch_migrations_pk', ['sequence'])
      .execute()
  },
}

/** The ledger's rows in the order they were written. The table must exist. */
export async function readLedger(db: Db): Promise<readonly MigrationLedgerRow[]> {
  return db.selectFrom('orch_migrations').selectAll().orderBy('sequence').execute()
}

/** A row of the ledger; null for what only the run itself can know. */
export type LedgerEntry = Omit<MigrationLedgerRow, 'duration_ms' | 'applied_at'> & {
  readonly duration_ms: number | null
  readonly applied_at: number | null
}

/**
 * The statement that records one migration, without parameters: the dry run prints the very text that the run sends,
 * but for the two numbers that only the run knows.
 */
export function ledgerInsert(compiler: Db, schema: string | null, entry: LedgerEntry): string {
  const target: Kysely<Tables> = schema === null ? compiler : compiler.withSchema(schema)
  const { sequence, name, checksum, outcome, tool_version } = entry
  return target
    .insertInto('orch_migrations')
    .values({
      sequence: sql.lit(sequence),
      name: sql.lit(name),
      checksum: sql.lit(checksum),
      outcome: sql.lit(outcome),
      duration_ms: entry.duration_ms === null ? sql.raw('<duration_ms>') : sql.lit(entry.duration_ms),
      tool_version: sql.lit(tool_version),
      applied_at: entry.applied_at === null ? sql.raw('<now_ms>') : sql.lit(entry.applied_at),
    })
    .compile().sql
}

/** The statement that makes the schema, where the engine has schemas. */
export function schemaStatement(db: Db | Trx, schema: string): string {
  return sql`create schema ${sql.id(schema)}`.compile(db).sql
}
