/** The database that is moved to: what stands there before anything is written. */
import { sql } from 'kysely'
import { isServerUrl } from '../../connection.ts'
import type { Db } from '../../dialect/dialect.ts'
import type { CompiledMigration } from '../compiled-migration.ts'
import { readState, refuseDrift } from '../migration-state.ts'
import { prepareSteps, selectSteps } from '../migration-step.ts'
import { openForReading } from '../open-for-reading.ts'
import type { TransferOptions } from './transfer-options.ts'
import { tableNames } from './transfer-table.ts'

export interface TransferTarget {
  readonly address: string
  /** Whether the file, or the schema on the server, is there already. */
  readonly exists: boolean
  /** Tables of orch that hold rows: a transfer adds to nothing. */
  readonly occupied: readonly CountedTable[]
  /** Migrations that a transfer would apply. */
  readonly pending: number
  /** The migrations in the language of the target. */
  readonly compiled: readonly CompiledMigration[]
}

export interface CountedTable {
  readonly name: string
  readonly rows: number
}

/** Looks at the target and leaves no trace. Throws like `openForReading` and `refuseDrift`. */
export async function inspectTarget(options: TransferOptions): Promise<TransferTarget> {
  const reading = await openForReading(options.to, options)
  try {
    const { db, dialect } = reading.database
    const source = await prepareSteps(dialect, options.migrations)
    const state = await readState(db, source)
    refuseDrift(state, `Nothing was moved to ${reading.address}`)
    const { tables, schemaExists } = await source.engine.readCatalog(db)
    const names = tableNames(source.migrations).filter((name) => tables.has(name))
    const { steps } = selectSteps(source, state)
    return {
      address: reading.address,
      exists: isServerUrl(options.to) ? schemaExists : reading.exists,
      occupied: (await countRows(db, names)).filter(({ rows }) => rows > 0),
      pending: steps.length,
      compiled: source.migrations,
    }
  } finally {
    await reading.close()
  }
}

/** How many rows each of the tables has. */
export async function countRows(db: Db, names: readonly string[]): Promise<readonly CountedTable[]> {
  const counted: CountedTable[] = []
  for (const name of names) {
    const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(name)}`.execute(db)
    counted.push({ name, rows: rows[0]?.rows ?? 0 })
  }
  return counted
}
