/** Every value of the source that the target would refuse. */
import { sql } from 'kysely'
import { Refusal, judgeCell, type Cell, type StoredCell } from './cell.ts'
import type { StoredRow } from './transfer-engine.ts'
import type { TransferOptions } from './transfer-options.ts'
import type { TransferSource } from './transfer-source.ts'
import type { CountedTable } from './transfer-target.ts'
import type { TransferColumn, TransferTable, UniqueRule } from './transfer-table.ts'

/** One value, or several columns of rows that must differ and do not. */
export interface RefusedValue {
  readonly table: string
  /** The columns of the key with their values. */
  readonly key: Readonly<Record<string, string | null>>
  readonly column: string
  /** Never contains the value: it may be a secret. */
  readonly reason: string
}

/** A table to move, with how many rows it has. */
export interface SizedTable extends TransferTable {
  readonly rows: number
}

/** Reads every row once. Resolves with an empty list when the target would take all of them. */
export async function findRefused(
  source: TransferSource,
  { tables, rules }: { readonly tables: readonly SizedTable[]; readonly rules: readonly UniqueRule[] },
  options: TransferOptions,
): Promise<readonly RefusedValue[]> {
  const refused: RefusedValue[] = []
  for (const table of tables) {
    let rows = 0
    for await (const page of source.engine.readPages(source.db, table)) {
      options.signal?.throwIfAborted()
      for (const row of page) collect(refused, table, row)
      rows += page.length
      options.onProgress?.({ phase: 'check', table: table.name, rows, of: table.rows })
    }
  }
  for (const rule of rules) refused.push(...(await findDuplicates(source, rule)))
  return refused
}

/** The row as the target will hold it. Throws what `refusedRow` makes of a value that it would refuse. */
export function exactRow(
  row: StoredRow,
  table: TransferTable,
  refusedRow: (value: RefusedValue) => Error,
): readonly Cell[] {
  return table.columns.map((column, index) => {
    const cell = judgeCell(row[index] ?? null, column.kind)
    if (cell instanceof Refusal)
      throw refusedRow(refusedValue(table, row, { column: column.name, reason: cell.reason }))
    return cell
  })
}

function collect(refused: RefusedValue[], table: TransferTable, row: StoredRow): void {
  for (let index = 0; index < table.columns.length; index++) {
    const column = table.columns[index]
    const reason = column === undefined ? null : refusalOf(row[index] ?? null, column)
    if (reason !== null) refused.push(refusedValue(table, row, { column: column?.name ?? '', reason }))
  }
}

function refusalOf(stored: StoredCell, { kind, notNull }: TransferColumn): string | null {
  if (stored === null) return notNull ? 'nothing in a column that must hold something' : null
  const cell = judgeCell(stored, kind)
  return cell instanceof Refusal ? cell.reason : null
}

function refusedValue(
  table: TransferTable,
  row: StoredRow,
  { column, reason }: { readonly column: string; readonly reason: string },
): RefusedValue {
  const key = table.key.map(
    (position) => [table.columns[position]?.name ?? '', row[position]?.slice(1) ?? null] as const,
  )
  return { table: table.name, key: Object.fromEntries(key), column, reason }
}

/** An engine that lacks the index may hold several rows where the target takes one. */
async function findDuplicates(
  { db }: TransferSource,
  { table, columns }: UniqueRule,
): Promise<readonly RefusedValue[]> {
  const ids = columns.map((column) => sql.id(column))
  const shown = columns.map((column, index) => sql`cast(${sql.id(column)} as text) as ${sql.id(`c${index}`)}`)
  const { rows } = await sql<Readonly<Record<string, string | null>> & { readonly amount: number }>`
    select ${sql.join(shown)}, count(*) as amount from ${sql.table(table)}
    where ${sql.join(
      ids.map((id) => sql`${id} is not null`),
      sql` and `,
    )}
    group by ${sql.join(ids)} having count(*) > 1`.execute(db)
  return rows.map((row) => ({
    table,
    key: Object.fromEntries(columns.map((column, index) => [column, row[`c${index}`] ?? null])),
    column: columns.join(', '),
    reason: `${row.amount} rows with the same values where each must have its own`,
  }))
}

/** `jobs id=sample-a, column spec: text that is not valid JSON`. */
export function refusedText({ table, key, column, reason }: RefusedValue): string {
  const where = Object.entries(key).map(([name, value]) => `${name}=${value ?? 'null'}`)
  return `${table} ${where.join(' ')}, column ${column}: ${reason}`
}

/** The same with the number of rows of each. */
export function sized(tables: readonly TransferTable[], counted: readonly CountedTable[]): readonly SizedTable[] {
  const rows = new Map(counted.map((one) => [one.name, one.rows]))
  return tables.map((table) => ({ ...table, rows: rows.get(table.name) ?? 0 }))
}
