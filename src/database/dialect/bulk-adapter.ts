/** What the hot statements ask of the engine beyond Kysely's own adapter: rows as one argument, and row locks. */
import type { DialectAdapter, RawBuilder } from 'kysely'
import { PostgresAdapter, SqliteAdapter, sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import { toJson } from '../json.ts'
import type { Db } from './dialect.ts'
import { StatementSlot } from './statement-slot.ts'

export type GivenColumns = Readonly<Record<string, 'text' | 'integer'>>

/** One row that travels with a statement: what its `GivenColumns` name. What is left out is null. */
export type GivenRow = Readonly<Record<string, string | number | null | undefined>>

/** Rows that travel as a fixed number of parameters, so that a statement's text does not depend on how many there are. */
export interface BulkAdapter extends DialectAdapter {
  /** A from item named `given` with these columns; the slot's value is an array of `GivenRow`. */
  givenRows(slot: unknown, columns: GivenColumns): RawBuilder<unknown>
  /**
   * A join with a table, named `found`, by an index: once for each given row. Postgres does not know how few rows
   * are given and would rather read the whole of a table of some thousand rows.
   */
  lookUp(table: string, by: { readonly column: string; readonly given: string }): RawBuilder<unknown>
  /** Whether rows are locked one by one (`for update`), or all of them by the write transaction itself. */
  readonly locksRows: boolean
}

export class BulkSqliteAdapter extends SqliteAdapter implements BulkAdapter {
  readonly locksRows = false

  override get supportsTransactionalDdl(): boolean {
    return true
  }

  /** As one JSON array of arrays: names in every row would be written and read for nothing. */
  givenRows(slot: unknown, columns: GivenColumns): RawBuilder<unknown> {
    const names = Object.keys(columns)
    const json = slotOf(slot).made((rows) => toJson(rowsOf(rows).map((row) => names.map((name) => row[name] ?? null))))
    const fields = names.map((name, place) => sql`value ->> ${sql.lit(place)} as ${sql.id(name)}`)
    return sql`(select ${sql.join(fields)} from json_each(${json})) as given`
  }

  lookUp(table: string, { column, given }: { readonly column: string; readonly given: string }): RawBuilder<unknown> {
    return sql`join ${sql.table(table)} as found on found.${sql.id(column)} = given.${sql.id(given)}`
  }
}

export class BulkPostgresAdapter extends PostgresAdapter implements BulkAdapter {
  readonly locksRows = true

  /** As one array for each column, which the server reads in a fifth of the time that JSON takes it. */
  givenRows(slot: unknown, columns: GivenColumns): RawBuilder<unknown> {
    const names = Object.keys(columns)
    const arrays = names.map((name) => {
      const isText = columns[name] === 'text'
      const cell = (row: GivenRow) => (isText ? storableText(row[name]) : row[name]) ?? null
      return sql`${slotOf(slot).made((rows) => rowsOf(rows).map(cell))}::${sql.raw(isText ? 'text[]' : 'bigint[]')}`
    })
    return sql`unnest(${sql.join(arrays)}) as given(${sql.join(names.map((name) => sql.id(name)))})`
  }

  /** `offset 0` keeps the planner from turning it into a plain join. */
  lookUp(table: string, { column, given }: { readonly column: string; readonly given: string }): RawBuilder<unknown> {
    return sql`cross join lateral (
      select * from ${sql.table(table)} where ${sql.id(column)} = given.${sql.id(given)} offset 0) as found`
  }
}

function slotOf(slot: unknown): StatementSlot {
  if (slot instanceof StatementSlot) return slot
  throw new OrchError('ORCH_BUG', 'Rows of a statement need a slot', { hint: 'This is a bug in orch' })
}

function rowsOf(rows: unknown): readonly GivenRow[] {
  return rows as readonly GivenRow[]
}

/** Postgres text refuses NUL; what stands in its place is what `toJson` puts there. */
function storableText(value: GivenRow[string]): GivenRow[string] {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
}

/** The adapter of an open database or of a transaction on it. */
export function bulkAdapter(db: Db): BulkAdapter {
  const { adapter } = db.getExecutor()
  if (adapter instanceof BulkSqliteAdapter || adapter instanceof BulkPostgresAdapter) return adapter
  throw new OrchError('ORCH_BUG', 'This connection was not opened by orch', { hint: 'This is a bug in orch' })
}
