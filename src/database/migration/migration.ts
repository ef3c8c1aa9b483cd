import type { Kysely } from 'kysely'

/**
 * One migration creates one table with its own indexes, or adds one column, or indexes of one table. It never
 * drops, renames, narrows, deletes or rewrites; the guard refuses anything else. Frozen once landed.
 */
export interface Migration {
  /** `0001-provider-config`: the number is the sequence, the name never changes. */
  readonly name: string
  /** The table it creates or extends. */
  readonly table: string
  /** Why the object exists, one line, shown by `db migrate --dry-run`. */
  readonly reason: string
  /** Postcondition: these columns of `table` exist. */
  readonly columns: readonly string[]
  /** Postcondition: these indexes exist. */
  readonly indexes: readonly string[]
  /** Nothing needs what it creates to be correct: without it the table can be used, only slower. */
  readonly onlyFaster?: boolean
  /**
   * Every piece of raw SQL in it, exactly as written; what is not listed here, or listed and not found, is refused.
   * It may be a condition or expression of an index, a check or default of the new table, or a whole `create index`.
   */
  readonly rawSql?: readonly string[]
  /**
   * False for one index of a table that may be large and busy: where the engine can, it is built while others go on
   * writing, which is only possible outside a transaction. The migration then has that one statement.
   */
  readonly transaction?: false
  up(db: Kysely<unknown>): Promise<void>
}
