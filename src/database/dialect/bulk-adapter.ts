/** What the hot statements ask of the engine beyond Kysely's own adapter: rows as one argument, and row locks. */
import type { DialectAdapter, RawBuilder } from 'kysely'
import { PostgresAdapter, SqliteAdapter, sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Db } from './dialect.ts'

export type GivenColumns = Readonly<Record<string, 'text' | 'integer'>>

/** Rows that travel as one JSON array, so that a statement's text does not depend on how many there are. */
export interface BulkAdapter extends DialectAdapter {
  /** A from item named `given` with these columns; `json` is a parameter that holds an array of objects. */
  givenRows(json: unknown, columns: GivenColumns): RawBuilder<unknown>
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

  givenRows(json: unknown, columns: GivenColumns): RawBuilder<unknown> {
    const fields = Object.keys(columns).map((name) => sql`value ->> ${sql.lit(name)} as ${sql.id(name)}`)
    return sql`(select ${sql.join(fields)} from json_each(${json})) as given`
  }

  lookUp(table: string, { column, given }: { readonly column: string; readonly given: string }): RawBuilder<unknown> {
    return sql`join ${sql.table(table)} as found on found.${sql.id(column)} = given.${sql.id(given)}`
  }
}

export class BulkPostgresAdapter extends PostgresAdapter implements BulkAdapter {
  readonly locksRows = true

  givenRows(json: unknown, columns: GivenColumns): RawBuilder<unknown> {
    const fields = Object.entries(columns).map(
      ([name, type]) => sql`${sql.id(name)} ${sql.raw(type === 'text' ? 'text' : 'bigint')}`,
    )
    return sql`jsonb_to_recordset(${json}::jsonb) as given(${sql.join(fields)})`
  }

  /** `offset 0` keeps the planner from turning it into a plain join. */
  lookUp(table: string, { column, given }: { readonly column: string; readonly given: string }): RawBuilder<unknown> {
    return sql`cross join lateral (
      select * from ${sql.table(table)} where ${sql.id(column)} = given.${sql.id(given)} offset 0) as found`
  }
}

/** The adapter of an open database or of a transaction on it. */
export function bulkAdapter(db: Db): BulkAdapter {
  const { adapter } = db.getExecutor()
  if (adapter instanceof BulkSqliteAdapter || adapter instanceof BulkPostgresAdapter) return adapter
  throw new OrchError('ORCH_BUG', 'This connection was not opened by orch', { hint: 'This is a bug in orch' })
}
