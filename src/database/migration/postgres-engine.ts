import { PostgresAdapter, PostgresQueryCompiler, sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import { assembleCatalog, type Catalog, type ColumnRow, type IndexRow } from './catalog.ts'
import type { MigrationEngine } from './engine.ts'
import { postgresLock } from './postgres-lock.ts'
import type { Inventory, WrittenRows } from './survival.ts'

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
  return {
    ...postgresLock(schema),
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    catalogType: (dataType) => dataType.replace(/^[a-z0-9]+/, (name) => catalogTypes[name] ?? name),
    catalogName: (name) => name,
    concurrentIndex: (sql) => sql.replace(/^create index /, 'create index concurrently '),
    readCatalog: (db) => readCatalog(db, schema),
    // A server answers for its own files, and has no statement that would read them all.
    readDamages: async () => [],
    read: (db, work) => db.transaction().setAccessMode('read only').setIsolationLevel('repeatable read').execute(work),
    takeInventory: (trx) => takeInventory(trx, schema),
  }
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

interface WrittenRow extends WrittenRows {
  readonly name: string
}

/**
 * Relations of orch's schema, and the rows that this transaction wrote anywhere. Relations of other schemas are
 * not listed, because their owners may create and drop meanwhile; that this transaction left them alone shows in
 * its locks. What waits for the commit is done first, so that it is counted too.
 */
async function takeInventory(trx: Trx, schema: string): Promise<Inventory> {
  await sql`set constraints all immediate`.execute(trx)
  const { rows } = await sql<InventoryRow>`
    select concat(c.relkind::text, ' ', c.relname) as name, concat(c.relkind::text, ' ', c.relfilenode) as storage,
      coalesce(array_agg(concat_ws(' ', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull)
        order by a.attnum) filter (where a.attname is not null), '{}')::text[] as columns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema}
    group by c.relname, c.relkind, c.relfilenode`.execute(trx)
  const written = await sql<WrittenRow>`
    select case schemaname when ${schema} then relname else schemaname || '.' || relname end as name,
      n_tup_ins as inserted, n_tup_upd + n_tup_del as changed
    from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0`.execute(trx)
  return {
    rows: (await countsWrites(trx)) ? new Map() : await countRows(trx, schema),
    written: new Map(written.rows.map(({ name, ...counts }) => [name, counts])),
    objects: new Map(rows.map(({ name, storage, columns }) => [objectNameOf(name), { storage, columns }])),
    foreign: await lockedElsewhere(trx, schema),
  }
}

/** Whether the server keeps the statistics that prove it; an administrator can turn them off. */
async function countsWrites(trx: Trx): Promise<boolean> {
  const { rows } = await sql<{ on: boolean }>`select current_setting('track_counts')::boolean as on`.execute(trx)
  return rows[0]?.on === true
}

async function countRows(trx: Trx, schema: string): Promise<ReadonlyMap<string, number>> {
  const tables = await sql<{ name: string }>`
    select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind = 'r'`.execute(trx)
  const counts = new Map<string, number>()
  for (const { name } of tables.rows) {
    const { rows } = await sql<{ count: number }>`select count(*) from ${sql.id(schema, name)}`.execute(trx)
    counts.set(name, rows[0]?.count ?? 0)
  }
  return counts
}

/** `r notes` reads as "table notes". */
function objectNameOf(name: string): string {
  return name.replace(/^r /, 'table ').replace(/^i /, 'index ')
}

/** Every write, truncation or change of a table takes a lock on it that lasts as long as the transaction. */
async function lockedElsewhere(trx: Trx, schema: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct n.nspname || '.' || c.relname as name
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where l.locktype = 'relation' and l.pid = pg_backend_pid() and l.mode not in ('AccessShareLock', 'RowShareLock')
      and c.relkind in ('r', 'p', 'm', 'f', 'S')
      and n.nspname not in (${schema}, 'pg_catalog', 'pg_toast', 'information_schema')
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`.execute(trx)
  return rows.map(({ name }) => name)
}
