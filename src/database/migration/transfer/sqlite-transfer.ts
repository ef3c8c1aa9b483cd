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

interface PageRow extends Readonly<Record<`c${number}`, StoredCell>> {
  readonly position: string
}

async function* readPages(db: Db, table: TransferTable): AsyncGenerator<readonly StoredRow[]> {
  const size = new PageSize()
  const cells = sql.join(table.columns.map(({ name }, index) => sql`${storedCell(name)} as ${sql.id(`c${index}`)}`))
  let after: bigint | null = null
  for (;;) {
    const { rows } = await sql<PageRow>`
      select cast(_rowid_ as text) as position, ${cells} from ${sql.id(table.name)}
      where ${after === null ? sql`true` : sql`_rowid_ > ${after}`} order by _rowid_ limit ${size.rows}`.execute(db)
    const last = rows.at(-1)
    if (last === undefined) return
    const page: StoredRow[] = []
    for (const row of rows) page.push(await exactRow(db, table, row))
    yield page
    size.saw(page)
    after = BigInt(last.position)
  }
}

/** The value with the type it is stored with; `||` and `hex` take all of a text that has NULs in it. */
function storedCell(column: string): RawBuilder<StoredCell> {
  const value = sql.id(column)
  return sql<StoredCell>`case typeof(${value}) when 'null' then null when 'text' then 't' || ${value}
    when 'integer' then 'i' || ${value} when 'real' then 'r' || format('%!.17g', ${value}) else 'b' || hex(${value}) end`
}

/** The driver puts U+FFFD where a text is not UTF-8: whether it was there before must be asked. */
async function exactRow(db: Db, table: TransferTable, row: PageRow): Promise<StoredRow> {
  const cells: StoredCell[] = []
  for (const [index, { name }] of table.columns.entries()) {
    const cell = row[`c${index}`] ?? null
    const doubtful = cell !== null && cell.startsWith('t') && cell.includes('\uFFFD')
    cells.push(
      doubtful && !(await isUtf8(db, { table: table.name, column: name, row, text: cell.slice(1) })) ? 'x' : cell,
    )
  }
  return cells
}

interface DoubtfulText {
  readonly table: string
  readonly column: string
  readonly row: PageRow
  readonly text: string
}

async function isUtf8(db: Db, { table, column, row, text }: DoubtfulText): Promise<boolean> {
  const { rows } = await sql<{ bytes: string }>`
    select hex(cast(${sql.id(column)} as blob)) as bytes from ${sql.id(table)}
    where _rowid_ = ${BigInt(row.position)}`.execute(db)
  return rows[0]?.bytes === Buffer.from(text, 'utf8').toString('hex').toUpperCase()
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
