import { CompiledQuery, sql, type RawBuilder } from 'kysely'
import type { Db, Trx } from '../../dialect/dialect.ts'
import type { Cell, StoredCell } from './cell.ts'
import type { ColumnKind } from './column-kind.ts'
import { PageSize } from './page-size.ts'
import type { StoredRow, TransferEngine } from './transfer-engine.ts'
import type { TransferTable } from './transfer-table.ts'

/** Fewer than the 32,766 bound values that a statement may have. */
const mostValues = 16_000

/** SQLite: any column may hold any type, and a file is all there is. */
export const sqliteTransfer: TransferEngine = {
  beginReading: 'begin',
  readPages,
  insertRows,
  // The write transaction already excludes every other writer.
  lockTables: async () => {},
  // A column that counts by itself goes on behind the highest value by design.
  advanceIdentities: async () => {},
  gatherStatistics: async () => {},
}

/** The row's cells in the order of its columns, and then its place in the table. */
type PageRow = Readonly<Record<string, StoredCell>>

async function* readPages(db: Db, table: TransferTable): AsyncGenerator<readonly StoredRow[]> {
  const size = new PageSize()
  const cells = sql.join(table.columns.map(({ name }, index) => sql`${storedCell(name)} as ${sql.id(`c${index}`)}`))
  let after: bigint | null = null
  for (;;) {
    const { rows } = await sql<PageRow>`
      select ${cells}, cast(_rowid_ as text) as place from ${sql.id(table.name)}
      where ${after === null ? sql`true` : sql`_rowid_ > ${after}`} order by _rowid_ limit ${size.rows}`.execute(db)
    if (rows.length === 0) return
    const page: StoredRow[] = []
    for (const row of rows) {
      const stored = Object.values(row)
      after = BigInt(stored.pop() ?? '')
      page.push(stored.some(isDoubtful) ? await withoutFalseText(db, { table, stored, place: after }) : stored)
    }
    yield page
    size.saw(page)
  }
}

/** The value with the type it is stored with; `||` and `hex` take all of a text that has NULs in it. */
function storedCell(column: string): RawBuilder<StoredCell> {
  const value = sql.id(column)
  return sql<StoredCell>`case typeof(${value}) when 'null' then null when 'text' then 't' || ${value}
    when 'integer' then 'i' || ${value} when 'real' then 'r' || format('%!.17g', ${value}) else 'b' || hex(${value}) end`
}

/** The driver puts U+FFFD where a text is not UTF-8: whether it was there before must be asked. */
function isDoubtful(cell: StoredCell): boolean {
  return cell !== null && cell.includes('\uFFFD')
}

interface DoubtfulRow {
  readonly table: TransferTable
  readonly stored: StoredRow
  readonly place: bigint
}

async function withoutFalseText(db: Db, { table, stored, place }: DoubtfulRow): Promise<StoredRow> {
  const cells: StoredCell[] = []
  for (const [index, cell] of stored.entries()) {
    const column = table.columns[index]?.name ?? ''
    cells.push(isDoubtful(cell) && (await bytesOf(db, { table, column, place })) !== hexOf(cell) ? 'x' : cell)
  }
  return cells
}

interface OneCell {
  readonly table: TransferTable
  readonly column: string
  readonly place: bigint
}

async function bytesOf(db: Db, { table, column, place }: OneCell): Promise<string | undefined> {
  const { rows } = await sql<{ bytes: string }>`
    select hex(cast(${sql.id(column)} as blob)) as bytes from ${sql.id(table.name)} where _rowid_ = ${place}`.execute(
    db,
  )
  return rows[0]?.bytes
}

/** Of the text behind the letter of its type. */
function hexOf(cell: StoredCell): string {
  return Buffer.from(cell?.slice(1) ?? '', 'utf8')
    .toString('hex')
    .toUpperCase()
}

async function insertRows(trx: Trx, table: TransferTable, rows: readonly (readonly Cell[])[]): Promise<void> {
  const { columns, name } = table
  const atOnce = Math.max(1, Math.floor(mostValues / columns.length))
  const quoted = (id: string) => `"${id.replaceAll('"', '""')}"`
  const into = `insert into ${quoted(name)} (${columns.map((column) => quoted(column.name)).join(', ')}) values `
  const one = `(${columns.map(() => '?').join(', ')})`
  for (let start = 0; start < rows.length; start += atOnce) {
    const some = rows.slice(start, start + atOnce)
    const values = some.flatMap((row) => row.map((cell, index) => boundValue(cell, columns[index]?.kind)))
    await trx.executeQuery(CompiledQuery.raw(into + some.map(() => one).join(', '), values))
  }
}

/** As the type the column is to hold: a JavaScript number would be bound as a fraction. */
function boundValue(cell: Cell, kind: ColumnKind | undefined): string | bigint | number | Buffer | null {
  if (cell === null) return null
  switch (kind?.kind) {
    case 'integer':
    case 'boolean':
      return BigInt(cell)
    case 'real':
      return Number(cell)
    case 'blob':
      return Buffer.from(cell, 'hex')
    default:
      return cell
  }
}
