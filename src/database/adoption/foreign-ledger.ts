/** Ledgers of other migration tools: named, so that nobody wonders whose tables these are, and never touched. */
import type { Db, Trx } from '../dialect/dialect.ts'
import { findTablesNamed, type NamedTable } from './source-catalog.ts'

/** The table in which each tool keeps what it applied, by its usual name. */
const ledgerTools: Readonly<Record<string, string>> = {
  _prisma_migrations: 'Prisma',
  __drizzle_migrations: 'Drizzle',
  __drizzle_migrations__: 'Drizzle',
  knex_migrations: 'Knex',
  SequelizeMeta: 'Sequelize',
  typeorm_migrations: 'TypeORM',
  pgmigrations: 'node-pg-migrate',
  kysely_migration: 'Kysely',
  flyway_schema_history: 'Flyway',
  alembic_version: 'Alembic',
  django_migrations: 'Django',
  schema_migrations: 'Rails, dbmate or golang-migrate',
  databasechangelog: 'Liquibase',
  atlas_schema_revisions: 'Atlas',
  __EFMigrationsHistory: 'Entity Framework',
}

export interface ForeignLedger extends NamedTable {
  readonly tool: string
}

/** Every such ledger of the database, wherever it lies. */
export async function findForeignLedgers(db: Db | Trx): Promise<readonly ForeignLedger[]> {
  const tables = await findTablesNamed(db, Object.keys(ledgerTools))
  return tables.map(({ schema, name }) => ({ schema, name, tool: ledgerTools[name] ?? name }))
}
