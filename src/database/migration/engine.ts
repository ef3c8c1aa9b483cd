import type { DialectAdapter, QueryCompiler } from 'kysely'
import type { Database } from '../connection.ts'
import type { Db, Dialect, Trx } from '../dialect/dialect.ts'
import type { Catalog } from './catalog.ts'
import type { CatalogSpelling } from './created-object.ts'
import type { Inventory } from './survival.ts'

/** Where a lock is held: by the address for a file, which may be read from a copy; by the connection for a server. */
export type LockedPlace = Pick<Database, 'db' | 'address'>

/** What the engines differ in while migrating. */
export interface MigrationEngine extends CatalogSpelling {
  createAdapter(): DialectAdapter
  createQueryCompiler(): QueryCompiler
  /** The same `create index` built while others write, where the engine can; then it must run outside a transaction. */
  concurrentIndex(sql: string): string
  /** Everything that exists in orch's schema. Writes nothing. */
  readCatalog(db: Db): Promise<Catalog>
  /** What the engine itself finds damaged in its files, one sentence each; empty where it cannot look. */
  readDamages(db: Db): Promise<readonly string[]>
  /** Runs work that only reads in one transaction that refuses writes; it sees one state and waits for nobody. */
  read<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T>
  /**
   * Takes the migration lock for the rest of the transaction without waiting, and limits what the transaction may
   * wait for and how long it may work; false when another holds the lock.
   */
  tryLock(trx: Trx): Promise<boolean>
  /** Whether the engine itself says that this transaction holds the migration lock. */
  holdsLock(trx: Trx): Promise<boolean>
  /** Who holds the migration lock, for people, or null when nobody can tell. */
  lockHolder(database: LockedPlace): Promise<string | null>
  /** Whose transactions keep orch's tables from being altered now, for people. */
  tableUsers(db: Db): Promise<readonly string[]>
  /** What must still be there, row for row, after a migration. */
  takeInventory(trx: Trx): Promise<Inventory>
}

export const engineNames = ['sqlite', 'postgres'] as const
export type EngineName = (typeof engineNames)[number]

/** The engine behind a dialect. */
export function migrationEngine({ schema }: Pick<Dialect, 'schema'>): Promise<MigrationEngine> {
  return engineOf(schema)
}

/** The engine that has schemas, or the one that has none. */
export async function engineOf(schema: string | null): Promise<MigrationEngine> {
  if (schema === null) {
    const { sqliteEngine } = await import('./sqlite-engine.ts')
    return sqliteEngine
  }
  const { postgresEngine } = await import('./postgres-engine.ts')
  return postgresEngine(schema)
}
