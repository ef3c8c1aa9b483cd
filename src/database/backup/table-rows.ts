/** The rows of a table as lines of text, whatever their types, and back. Only on engines that have schemas. */
import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import type { ExportedTable } from './export-file.ts'

export interface RowSource extends ExportedTable {
  readonly schema: string
}

/** A row may hold a whole conversation: this many fit into memory. */
const rowsAtOnce = 200

/**
 * Every row as a JSON array of texts, some at a time, inside the caller's transaction. The server's own text
 * of a value reads back to the same value in every type.
 */
export async function* rowLines(trx: Db, { schema, name, columns }: RowSource): AsyncIterable<readonly string[]> {
  const values = sql.join(columns.map((column) => sql`${sql.ref(column)}::text`))
  const table = sql.id(schema, name)
  await sql`declare orch_rows no scroll cursor for select json_build_array(${values})::text as line from ${table}`.execute(
    trx,
  )
  for (;;) {
    const { rows } = await sql<{ line: string }>`fetch forward ${sql.lit(rowsAtOnce)} from orch_rows`.execute(trx)
    if (rows.length > 0) yield rows.map(({ line }) => line)
    if (rows.length < rowsAtOnce) break
  }
  await sql`close orch_rows`.execute(trx)
}

export interface RowTarget extends RowSource {
  /** The type of each column, as the catalog of the target spells it. */
  readonly types: readonly string[]
}

/** Inserts such lines; each text becomes a value of its column's type. */
export async function insertLines(trx: Db, target: RowTarget, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  const { schema, name, columns, types } = target
  const names = sql.join(columns.map((column) => sql.id(column)))
  const values = sql.join(types.map((type, at) => sql`(line ->> ${sql.lit(at)})::${sql.raw(type)}`))
  const rows = `[${lines.join(',')}]`
  await sql`
    insert into ${sql.id(schema, name)} (${names})
    select ${values} from json_array_elements(${rows}::json) as line`.execute(trx)
}

/** How many rows a table has, as the caller's transaction sees it. */
export async function countRows(trx: Db, schema: string, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.id(schema, table)}`.execute(trx)
  return rows[0]?.count ?? 0
}
