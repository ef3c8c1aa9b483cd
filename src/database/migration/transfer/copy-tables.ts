/** All rows into the target, in the transaction that makes its tables, and the proof that they arrived. */
import { OrchError, errorMessage } from '../../../errors/orch-error.ts'
import type { Database } from '../../connection.ts'
import type { Db, Trx } from '../../dialect/dialect.ts'
import { migrateWithin } from '../migrate.ts'
import type { Cell } from './cell.ts'
import { ContentHash } from './content-hash.ts'
import { exactRow, refusedText, type RefusedValue, type SizedTable } from './refused-value.ts'
import { transferEngine, type TransferEngine } from './transfer-engine.ts'
import type { TransferOptions } from './transfer-options.ts'
import type { TransferSource } from './transfer-source.ts'
import { countRows } from './transfer-target.ts'

export interface MovedTable {
  readonly name: string
  readonly rows: number
  /** SHA-256 over what it holds, the same on both sides; see `ContentHash`. */
  readonly hash: string
}

export interface CopyInput {
  readonly source: TransferSource
  readonly tables: readonly SizedTable[]
  /** The target. */
  readonly database: Database
  readonly options: TransferOptions
}

/** What to do about a target that holds rows. */
export const emptyTargetHint =
  'A transfer adds to nothing. Name an empty database, a new file, or another schema with ORCH_DB_SCHEMA'

/**
 * Makes the tables, copies, reads everything back and compares. Throws, so that the transaction is rolled back,
 * ORCH_CONFLICT (rows are there, or the source was written to) and ORCH_DATABASE_FAILED (rows differ).
 */
export async function copyTables(trx: Trx, input: CopyInput): Promise<readonly MovedTable[]> {
  const { tables, database, options, source } = input
  const names = tables.map(({ name }) => name)
  const engine = await transferEngine(database.dialect)
  const { migrations, clock, toolVersion } = options
  await migrateWithin(trx, database, { migrations, clock, toolVersion })
  await engine.lockTables(trx, names)
  const occupied = (await countRows(trx, names)).filter(({ rows }) => rows > 0)
  if (occupied.length > 0) {
    const held = occupied.map(({ name }) => name).join(', ')
    throw new OrchError('ORCH_CONFLICT', `Somebody else wrote into ${database.address}: ${held}`, {
      hint: emptyTargetHint,
    })
  }
  const moved: MovedTable[] = []
  for (const table of tables) moved.push(await copyTable(trx, { ...input, table, engine }))
  for (const [index, table] of tables.entries()) {
    refuseDifference(moved[index], await readBack(trx, { table, engine, options, unlike: notTheSame }))
  }
  await engine.advanceIdentities(trx, names)
  await engine.gatherStatistics(trx, names)
  await source.refuseChange((db) => isUnchanged(db, input, moved))
  return moved
}

interface OneTable extends CopyInput {
  readonly table: SizedTable
  readonly engine: TransferEngine
}

async function copyTable(trx: Trx, { source, table, engine, database, options }: OneTable): Promise<MovedTable> {
  const hash = new ContentHash()
  for await (const page of source.engine.readPages(source.db, table)) {
    options.signal?.throwIfAborted()
    const rows = page.map((row) => exactRow(row, table, notCopied))
    for (const row of rows) hash.add(row)
    await insert(trx, { table, engine, database, rows })
    options.onProgress?.({ phase: 'copy', table: table.name, rows: hash.rows, of: table.rows })
  }
  return { name: table.name, rows: hash.rows, hash: hash.digest() }
}

interface InsertInput extends Pick<OneTable, 'table' | 'engine' | 'database'> {
  readonly rows: readonly (readonly Cell[])[]
}

async function insert(trx: Trx, { table, engine, database, rows }: InsertInput): Promise<void> {
  try {
    await engine.insertRows(trx, table, rows)
  } catch (error) {
    if (database.dialect.classify(error) === 'contention') throw error
    throw new OrchError(
      'ORCH_DATABASE_FAILED',
      `Nothing was moved: ${database.address} refused rows of ${table.name}: ${errorMessage(error)}`,
      { hint: 'The source is as it was', cause: error },
    )
  }
}

interface ReadBackInput extends Pick<OneTable, 'table' | 'engine' | 'options'> {
  readonly unlike: (value: RefusedValue) => Error
}

/** Nothing of an engine's own reckoning: what a reader gets from it now. */
async function readBack(db: Db, { table, engine, options, unlike }: ReadBackInput): Promise<MovedTable> {
  const hash = new ContentHash()
  for await (const page of engine.readPages(db, table)) {
    options.signal?.throwIfAborted()
    for (const row of page) hash.add(exactRow(row, table, unlike))
    options.onProgress?.({ phase: 'verify', table: table.name, rows: hash.rows, of: table.rows })
  }
  return { name: table.name, rows: hash.rows, hash: hash.digest() }
}

/** Whether the source holds what was moved out of it. */
async function isUnchanged(
  db: Db,
  { source, tables, options }: CopyInput,
  moved: readonly MovedTable[],
): Promise<boolean> {
  for (const [index, table] of tables.entries()) {
    const { rows, hash } = await readBack(db, { table, engine: source.engine, options, unlike: notCopied })
    if (moved[index]?.rows !== rows || moved[index].hash !== hash) return false
  }
  return true
}

function refuseDifference(moved: MovedTable | undefined, read: MovedTable): void {
  if (moved !== undefined && moved.rows === read.rows && moved.hash === read.hash) return
  throw new OrchError(
    'ORCH_DATABASE_FAILED',
    `Nothing was moved: ${read.name} holds ${read.rows} rows with hash ${read.hash}, not ${moved?.rows} with ${moved?.hash}`,
    { hint: 'The target does not keep what it is given; look for triggers, rules and policies on its tables' },
  )
}

/** They were checked in the same moment of the source before. */
function notCopied(value: RefusedValue): OrchError {
  return new OrchError('ORCH_VALUES_REFUSED', `Nothing was moved: the target would refuse ${refusedText(value)}`)
}

function notTheSame(value: RefusedValue): OrchError {
  return new OrchError('ORCH_DATABASE_FAILED', `Nothing was moved: the target changed a value, ${refusedText(value)}`)
}
