import { join } from 'node:path'
import { CompiledQuery, sql } from 'kysely'
import { migrations } from '../../migrations/index.ts'
import { openDatabase, type Database, type OpenOptions } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import type { MigrationLedgerRow } from '../../src/database/tables.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'

/**
 * What the real runner did, once per run of the whole suite: a migrated file to copy, and the statements
 * of a migrated schema to replay. Every test database is made from it, because migrating each one would
 * take most of the suite's time.
 */
export interface MigratedTemplate {
  readonly file: string
  readonly schema: string
  readonly statements: readonly string[]
  readonly ledger: readonly MigrationLedgerRow[]
}

const options = { migrations, clock: systemClock, toolVersion: 'test' }

/** Migrates one file in `directory` and one schema on the server, which is dropped again. */
export async function makeTemplate(directory: string, postgresUrl: string): Promise<MigratedTemplate> {
  const file = join(directory, 'migrated.db')
  await withDatabase(file, { create: true }, (database) => migrate(database, options))
  const schema = `orch_template_${process.pid}`
  return withDatabase(postgresUrl, { schema, connections: 1 }, async (database) => {
    const { steps } = await migrate(database, options)
    const ledger = await database.db.selectFrom('orch_migrations').selectAll().execute()
    await sql`drop schema ${sql.id(schema)} cascade`.execute(database.db)
    return { file, schema, statements: steps.flatMap((step) => step.statements.slice(0, -1)), ledger }
  })
}

async function withDatabase<T>(url: string, extra: Partial<OpenOptions>, work: (database: Database) => Promise<T>) {
  const database = await openDatabase(url, { clock: systemClock, random: seededRandom(1), ...extra })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Replays the template's statements for another schema, in one transaction. */
export async function migrateSchema(database: Database, schema: string, template: MigratedTemplate): Promise<void> {
  const script = template.statements.join(';\n').replaceAll(`"${template.schema}"`, `"${schema}"`)
  await database.write(async (trx) => {
    await trx.executeQuery(CompiledQuery.raw(script))
    await trx.insertInto('orch_migrations').values(template.ledger).execute()
  })
}
