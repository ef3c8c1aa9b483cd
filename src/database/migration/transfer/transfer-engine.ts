import type { Db, Dialect, Trx } from '../../dialect/dialect.ts'
import type { Cell, StoredCell } from './cell.ts'
import type { TransferTable } from './transfer-table.ts'

/** What the engines differ in while a database moves. */
export interface TransferEngine {
  /** Begins a transaction in which everything that is read is of one moment, and nothing can be written. */
  readonly beginReading: string
  /** The rows of a table as they are stored, page by page, in no order that means anything. */
  readPages(db: Db, table: TransferTable): AsyncGenerator<readonly StoredRow[]>
  /** Adds rows, whose cells `judgeCell` let pass for the table's columns. */
  insertRows(trx: Trx, table: TransferTable, rows: readonly (readonly Cell[])[]): Promise<void>
  /** Keeps others from writing into tables that existed before the transaction. */
  lockTables(trx: Trx, tables: readonly string[]): Promise<void>
  /** After explicit values: what the engine counts by itself goes on behind the highest of them. */
  advanceIdentities(trx: Trx, tables: readonly string[]): Promise<void>
  /** Lets the planner know how large the tables are now. */
  gatherStatistics(trx: Trx, tables: readonly string[]): Promise<void>
}

export type StoredRow = readonly StoredCell[]

/** The engine behind a dialect. */
export async function transferEngine(dialect: Dialect): Promise<TransferEngine> {
  if (dialect.schema === null) {
    const { sqliteTransfer } = await import('./sqlite-transfer.ts')
    return sqliteTransfer
  }
  const { postgresTransfer } = await import('./postgres-transfer.ts')
  return postgresTransfer(dialect.schema)
}
