import type { Kysely, RawBuilder, Transaction } from 'kysely'
import type { Tables } from '../tables.ts'
import type { OutageCause } from './outage-cause.ts'

export type Db = Kysely<Tables>
export type Trx = Transaction<Tables>

/** Every table that exists, with its columns. */
export type Shape = ReadonlyMap<string, ReadonlySet<string>>

/**
 * What the engines differ in, as capabilities. Callers ask these and never the engine's name; the two
 * files beside this one are the only ones that know which engine they are.
 */
export interface Dialect {
  /** For people and reports only. */
  readonly label: 'SQLite' | 'Postgres'
  /** Whether several processes can claim past each other's row locks (`for update skip locked`). */
  readonly skipsLocked: boolean
  /** Whether writers on other connections can be told at once (LISTEN/NOTIFY). */
  readonly notifies: boolean
  /** The schema that holds orch's tables, or null where a database has none. */
  readonly schema: string | null
  /**
   * Time as the database judges it, in epoch milliseconds: `clock_timestamp()` where several machines
   * share it, this machine's clock where only one can.
   */
  now(db: Db): Promise<number>
  /**
   * Runs work in one write transaction that locks up front where the engine would otherwise fail late,
   * and repeats the whole of it on lock or serialization failures, with jitter, for up to 30 s.
   * `work` must use only the transaction it is given. No effect outside the database belongs in it.
   */
  write<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T>
  /** Tables and columns that exist in orch's schema. Writes nothing; one round trip. */
  shape(db: Db): Promise<Shape>
  /** Names of the valid indexes on tables in orch's schema. Writes nothing; one round trip. */
  indexNames(db: Db): Promise<ReadonlySet<string>>
  /** A cheap number that changes when some table is created or altered, or null where there is none. */
  shapeVersion(db: Db): Promise<number | null>
  /** A cheap number that changes when another connection committed something, or null where there is none. */
  changeVersion(db: Db): Promise<number | null>
  /** Takes a lock that ends with the transaction and serializes exact shared limits. */
  lockLimits(trx: Trx): Promise<void>
  /**
   * Tells other processes that something may be startable or must be stopped: at the commit where `db` is a
   * transaction, at once otherwise. A hint, nothing to rely on; nothing at all where `notifies` is false.
   */
  notify(db: Db): Promise<void>
  /**
   * The text of a member of a column that holds a JSON object: a string as it is, anything else as JSON, and
   * null where the member is null or not there.
   */
  jsonText(column: string, member: string): RawBuilder<string | null>
  /** What went wrong, decided by the engine's error code. */
  classify(error: unknown): DatabaseFailure
  /** Why an `outage` or `contention` keeps the database away, for whoever waits for it. */
  causeOf(error: unknown): OutageCause
}

export type DatabaseFailure =
  /** Another writer holds the lock, or serialization failed: repeat the whole transaction. */
  | 'contention'
  /** The server or file is gone, read-only or full: wait and try again. */
  | 'outage'
  /** A table or column is missing: probe the shape and degrade. */
  | 'missing_object'
  /** A unique constraint refused the row. */
  | 'duplicate'
  | 'other'
