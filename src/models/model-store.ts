import type { Database } from '../database/connection.ts'
import type { TableName } from '../database/tables.ts'
import type { Clock } from '../runtime/clock.ts'

/** The part of Capabilities that the models ask. */
export interface TableProbe {
  has(table: TableName): Promise<boolean>
  require(tables: readonly TableName[], neededFor: string): Promise<void>
}

/** Where roles and models are kept, if their tables exist. */
export interface ModelStore {
  readonly database: Database
  readonly tables: TableProbe
  readonly clock: Clock
  /** Whether this user trusts the database; in another one pins and permissions count as absent. */
  readonly trusted: boolean
}
