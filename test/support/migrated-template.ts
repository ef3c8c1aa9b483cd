import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery } from 'kysely'
import { migrations } from '../../migrations/index.ts'
import { openDatabase, type Database } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import type { MigrationLedgerRow } from '../../src/database/tables.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'

/** The real runner migrates once per worker; every further test database is a replay of what it did. */
const options = { migrations, clock: systemClock, toolVersion: 'test' }

let file: Promise<Buffer> | undefined

/** The bytes of a migrated SQLite file. */
export function migratedFile(): Promise<Buffer> {
  return (file ??= makeFile())
}

async function makeFile(): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'orch-template-'))
  try {
    const path = join(directory, 'orch.db')
    const database = await openDatabase(path, { clock: systemClock, random: seededRandom(1), create: true })
    await migrate(database, options)
    await database.close()
    return readFileSync(path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface SchemaTemplate {
  readonly schema: string
  readonly statements: readonly string[]
  readonly ledger: readonly MigrationLedgerRow[]
}

let template: SchemaTemplate | undefined

/** Migrates the database's schema: by the runner the first time, by its statements in one transaction afterwards. */
export async function migrateSchema(database: Database, schema: string): Promise<void> {
  if (template === undefined) {
    const { steps } = await migrate(database, options)
    const ledger = await database.db.selectFrom('orch_migrations').selectAll().execute()
    const statements = steps.flatMap((step) => step.statements.slice(0, -1))
    template = { schema, statements, ledger }
    return
  }
  const { schema: original, statements, ledger } = template
  const script = statements.join(';\n').replaceAll(`"${original}"`, `"${schema}"`)
  await database.write(async (trx) => {
    await trx.executeQuery(CompiledQuery.raw(script))
    await trx.insertInto('orch_migrations').values(ledger).execute()
  })
}
