import { SqliteAdapter, SqliteQueryCompiler, sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import { assembleCatalog, type Catalog, type ColumnRow, type IndexRow } from './catalog.ts'
import type { MigrationEngine } from './engine.ts'
import { writerOfFile } from './file-locks.ts'
import { anywhere, type Inventory, type InventoryObject } from './survival.ts'

/** SQLite: names are case-insensitive and types are kept as they were written. */
export const sqliteEngine: MigrationEngine = {
  createAdapter: () => new SqliteAdapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  catalogType: (dataType) => dataType,
  catalogName: (name) => name.toLowerCase(),
  // There is one writer anyway.
  concurrentIndex: (sql) => sql,
  readCatalog,
  readDamages,
  read,
  // `begin immediate` of the transaction is the lock: there is one writer.
  tryLock: async () => true,
  holdsLock: async () => true,
  lockHolder: ({ address }) => writerOfFile(address),
  // The one lock there is keeps every writer out; nobody else can be in the way.
  tableUsers: async () => [],
  takeInventory,
}

async function readCatalog(db: Db): Promise<Catalog> {
  const columns = await sql<ColumnRow>`
    select lower(m.name) as relation, m.type = 'table' as is_table, lower(c.name) as column_name,
      lower(c.type) as type, c."notnull" as not_null, c.pk as key_position
    from sqlite_master m join pragma_table_info(m.name) c
    where m.type in ('table', 'view') and m.name not like 'sqlite\\_%' escape '\\'
    order by m.name, c.cid`.execute(db)
  const indexes = await sql<IndexRow>`
    select lower(m.name) as name, lower(m.tbl_name) as relation, lower(c.name) as column_name,
      (select l."unique" from pragma_index_list(m.tbl_name) l where l.name = m.name) as is_unique, 1 as is_valid
    from sqlite_master m join pragma_index_info(m.name) c
    where m.type = 'index' and m.sql is not null
    order by m.name, c.seqno`.execute(db)
  return assembleCatalog(columns.rows, indexes.rows, true)
}

/** `quick_check` reads every page but compares no index with its table, which takes half the time of the whole check. */
async function readDamages(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check(20)`.execute(db)
  return rows.map(({ quick_check }) => quick_check).filter((text) => text !== 'ok')
}

/** Deferred, so that it takes no lock of a writer; `query_only` refuses writes where the file was opened for them. */
async function read<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    const before = await sql<{ query_only: number }>`pragma query_only`.execute(connection)
    await sql`pragma query_only = 1`.execute(connection)
    await sql`begin`.execute(connection)
    try {
      return await work(connection)
    } finally {
      await sql`commit`.execute(connection)
      await sql`pragma query_only = ${sql.lit(before.rows[0]?.query_only ?? 0)}`.execute(connection)
    }
  })
}

interface MasterRow {
  readonly type: string
  readonly name: string
  readonly sql: string | null
}

async function takeInventory(trx: Trx): Promise<Inventory> {
  const master = await sql<MasterRow>`
    select type, name, sql from sqlite_master where name not like 'sqlite\\_%' escape '\\'`.execute(trx)
  const changed = await sql<{ count: number }>`select total_changes() as count`.execute(trx)
  const rows = new Map<string, number>()
  const objects = new Map<string, InventoryObject>()
  for (const { type, name, sql: definition } of master.rows) {
    // The text of a table changes when a column is added, so its columns stand for it.
    const isTable = type === 'table'
    const storage = isTable ? '' : (definition ?? '')
    objects.set(`${type} ${name}`, { storage, columns: isTable ? await columnsOf(trx, name) : [] })
    if (isTable) rows.set(name.toLowerCase(), await countRows(trx, name))
  }
  const written = new Map([[anywhere, { inserted: changed.rows[0]?.count ?? 0, changed: 0 }]])
  return { rows, written, objects, foreign: [] }
}

async function countRows(trx: Trx, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.id(table)}`.execute(trx)
  return rows[0]?.count ?? 0
}

async function columnsOf(trx: Trx, table: string): Promise<readonly string[]> {
  const { rows } = await sql<{ text: string }>`
    select name || ' ' || type || ' ' || "notnull" || ' ' || pk || ' ' || coalesce(dflt_value, '') as text
    from pragma_table_xinfo(${table})`.execute(trx)
  return rows.map(({ text }) => text)
}
