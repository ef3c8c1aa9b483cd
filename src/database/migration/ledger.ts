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

/** The statement that records one migration, for the dry run's text and for the run itself. */
export function ledgerInsert(db: Db | Trx, row: MigrationLedgerRow, schema: string | null) {
  const target: Kysely<Tables> = schema === null ? db : db.withSchema(schema)
  return target.insertInto('orch_migrations').values(row).compile()
}

/** The same statement as text, with the two values that only the run itself can know left open. */
export function ledgerInsertText(db: Db, row: LedgerPreview, schema: string | null): string {
  const target: Kysely<Tables> = schema === null ? db : db.withSchema(schema)
  const { sequence, name, checksum, outcome, tool_version } = row
  return target
    .insertInto('orch_migrations')
    .values({
      sequence: sql.lit(sequence),
      name: sql.lit(name),
      checksum: sql.lit(checksum),
      outcome: sql.lit(outcome),
      duration_ms: sql.raw('<duration_ms>'),
      tool_version: sql.lit(tool_version),
      applied_at: sql.raw('<now_ms>'),
    })
    .compile().sql
}

export type LedgerPreview = Omit<MigrationLedgerRow, 'duration_ms' | 'applied_at'>

/** The statement that makes the schema, where the engine has schemas. */
export function schemaStatement(db: Db | Trx, schema: string): string {
  return sql`create schema ${sql.id(schema)}`.compile(db).sql
}
