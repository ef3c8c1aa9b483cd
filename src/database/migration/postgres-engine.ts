import { createHash } from 'node:crypto'
import { PostgresAdapter, PostgresQueryCompiler, sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import { assembleCatalog, type Catalog, type ColumnRow, type IndexRow } from './catalog.ts'
import type { MigrationEngine } from './engine.ts'
import type { Inventory } from './survival.ts'

/** First word of the advisory lock: "ormg" in ASCII. The second one is made from the schema's name. */
const lockClass = 0x6f726d67
/** A table lock that is not to be had within this is asked for again, so that readers behind us go on. */
const tableLockTimeout = '3s'

/** The names under which the catalog shows types that have several. */
const catalogTypes: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  decimal: 'numeric',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  varchar: 'character varying',
}

/** Postgres: one schema, an advisory lock per schema, and the server's own statistics as proof. */
export function postgresEngine(schema: string): MigrationEngine {
  const lockKey = createHash('sha256').update(schema).digest().readInt32BE(0)
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    catalogType: (dataType) => dataType.replace(/^[a-z0-9]+/, (name) => catalogTypes[name] ?? name),
    readCatalog: (db) => readCatalog(db, schema),
    // A server answers for its own files, and has no statement that would read them all.
    readDamages: async () => [],
    read: (db, work) => db.transaction().setAccessMode('read only').setIsolationLevel('repeatable read').execute(work),
    tryLock: (trx) => tryLock(trx, lockKey),
    lockHolder: ({ db }) => lockHolder(db, lockKey),
    takeInventory: (trx) => takeInventory(trx, schema),
  }
}

async function tryLock(trx: Trx, lockKey: number): Promise<boolean> {
  await sql`select set_config('lock_timeout', ${tableLockTimeout}, true)`.execute(trx)
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${sql.lit(lockClass)}, ${sql.lit(lockKey)}) as locked`.execute(trx)
  return rows[0]?.locked === true
}

async function lockHolder(db: Db, lockKey: number): Promise<string | null> {
  const { rows } = await sql<{ pid: number; client: string }>`
    select l.pid, coalesce(host(a.client_addr), 'local') as client
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.classid = ${lockClass}::bigint::oid
      and l.objid = (${lockKey}::bigint & 4294967295)::oid
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`.execute(db)
  const holder = rows[0]
  return holder === undefined ? null : `server process ${holder.pid} of client ${holder.client}`
}

async function readCatalog(db: Db, schema: string): Promise<Catalog> {
  const namespace = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db)
  const columns = await sql<ColumnRow>`
    select c.relname as relation, (c.relkind in ('r', 'p'))::int as is_table, a.attname as column_name,
      pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.attnotnull::int as not_null,
      coalesce(array_position(k.conkey, a.attnum), 0) as key_position
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname, a.attnum`.execute(db)
  const indexes = await sql<IndexRow>`
    select x.relname as name, c.relname as relation, a.attname as column_name,
      i.indisunique::int as is_unique, i.indisvalid::int as is_valid
    from pg_catalog.pg_index i
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral unnest(i.indkey::int2[]) with ordinality as key (attnum, position)
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = key.attnum
    where n.nspname = ${schema}
    order by x.relname, key.position`.execute(db)
  return assembleCatalog(columns.rows, indexes.rows, namespace.rows.length > 0)
}

interface InventoryRow {
  readonly name: string
  readonly storage: string
  readonly columns: readonly string[]
}

/**
 * Relations of orch's schema, and the rows that this transaction wrote anywhere. Other schemas are not
 * listed, because their owners may create and drop meanwhile.
 */
async function takeInventory(trx: Trx, schema: string): Promise<Inventory> {
  const { rows } = await sql<InventoryRow>`
    select n.nspname || '.' || c.relname as name, concat(c.relkind::text, ' ', c.relfilenode) as storage,
      coalesce(array_agg(concat_ws(' ', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull)
        order by a.attnum) filter (where a.attname is not null), '{}')::text[] as columns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema}
    group by n.nspname, c.relname, c.relkind, c.relfilenode`.execute(trx)
  const changed = await sql<{ count: number }>`
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint as count
    from pg_catalog.pg_stat_xact_user_tables`.execute(trx)
  const objects = new Map(rows.map(({ name, storage, columns }) => [name, { rows: null, storage, columns }]))
  return { changedRows: changed.rows[0]?.count ?? 0, objects }
}
