/** Reads the rows of the other application's tables: only columns that orch knows, never one that holds a key. */
import { sql, type RawBuilder } from 'kysely'
import type { Trx } from '../dialect/dialect.ts'
import type { TableFinding } from './classify-table.ts'
import type { PayloadTable } from './payload-table.ts'
import type { FoundColumn } from './source-catalog.ts'
import { isRead, sourceTables, type ColumnFamily, type SourceTable } from './source-table.ts'

/** A row by the names orch expects: text, number, boolean, parsed JSON, or epoch milliseconds; null where missing. */
export type SourceRow = Readonly<Record<string, unknown>>

/** Rows fetched at once; a batch of inserts has as many. */
const batchSize = 500

/** Whether a secret column is filled; null where this role may not even ask. */
export const hasSecret = 'hasSecret'

/**
 * The rows of a table in batches, all as of one moment, in the order of the identity columns. For use inside a
 * transaction: the cursor ends with it.
 */
export async function* readSourceRows(
  trx: Trx,
  schema: string,
  finding: TableFinding,
): AsyncGenerator<readonly SourceRow[]> {
  const shape: SourceTable = sourceTables[finding.source]
  const values = shape.columns.flatMap((column) => {
    const found = finding.columns.get(column.name)
    if (isRead(column)) return [sql`${valueOf(found, column.family)} as ${sql.id(column.name)}`]
    return column.need === 'secret' ? [sql`${presence(found)} as ${sql.id(hasSecret)}`] : []
  })
  const identity = shape.columns.filter(({ need }) => need === 'identity').map(({ name }) => sql.id(name))
  const query = sql`select ${sql.join(values)} from ${sql.id(schema, finding.foundAs ?? finding.table)}
    order by ${sql.join(identity)}`
  yield* readWithCursor(trx, query)
}

/** Model ids with the JSON that a provider's own table holds of each, as `model` and `payload`. */
export async function* readPayloads(
  trx: Trx,
  schema: string,
  { name, model, payload }: PayloadTable,
): AsyncGenerator<readonly SourceRow[]> {
  const query = sql`select ${sql.id(model)}::text as model, ${sql.id(payload)} as payload
    from ${sql.id(schema, name)} where ${sql.id(model)} is not null order by 1`
  yield* readWithCursor(trx, query)
}

/** A cursor reads one snapshot whatever is written meanwhile, and never holds more than a batch in memory. */
async function* readWithCursor(trx: Trx, query: RawBuilder<unknown>): AsyncGenerator<readonly SourceRow[]> {
  await sql`declare orch_adopt no scroll cursor for ${query}`.execute(trx)
  for (;;) {
    const { rows } = await sql<SourceRow>`fetch ${sql.lit(batchSize)} from orch_adopt`.execute(trx)
    if (rows.length > 0) yield rows
    if (rows.length < batchSize) break
  }
  await sql`close orch_adopt`.execute(trx)
}

function valueOf(column: FoundColumn | undefined, family: ColumnFamily): RawBuilder<unknown> {
  if (column === undefined) return sql`null`
  const name = sql.id(column.name)
  switch (family) {
    case 'text':
      return sql`${name}::text`
    case 'integer':
    case 'number':
      return sql`${name}::double precision`
    case 'boolean':
    case 'json':
      return name
    case 'time':
      // Without a time zone it is what Prisma and Drizzle write there: UTC.
      return sql`(extract(epoch from ${name}) * 1000)::double precision`
  }
}

/** Asked of the server, so that the key itself never leaves it. */
function presence(column: FoundColumn | undefined): RawBuilder<unknown> {
  if (column === undefined) return sql`false`
  return column.readable ? sql`coalesce(${sql.id(column.name)}::text <> '', false)` : sql`null::boolean`
}
