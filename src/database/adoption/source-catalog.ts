/** What a schema holds, and what this role may do with it. Reads the server's catalog only, never a row of a table. */
import { sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'

export interface FoundColumn {
  readonly name: string
  /** As the server spells it; of a domain the type below it. */
  readonly type: string
  readonly isEnumeration: boolean
  readonly notNull: boolean
  /** Whether this role may select it. */
  readonly readable: boolean
}

export interface FoundTable {
  readonly name: string
  /** False for a view or another relation that has taken the name. */
  readonly isTable: boolean
  /** A policy decides which of its rows this role sees. */
  readonly hidesRows: boolean
  readonly columns: readonly FoundColumn[]
}

interface ColumnRow {
  readonly relation: string
  readonly is_table: boolean
  readonly hides_rows: boolean
  readonly name: string
  readonly type: string
  readonly is_enumeration: boolean
  readonly not_null: boolean
  readonly readable: boolean
}

/** Tables and views of a schema with their columns, or null where there is no such schema. */
export async function readSourceCatalog(db: Db | Trx, schema: string): Promise<readonly FoundTable[] | null> {
  const namespace = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db)
  if (namespace.rows.length === 0) return null
  const { rows } = await sql<ColumnRow>`
    select c.relname as relation, c.relkind in ('r', 'p') as is_table, pg_catalog.row_security_active(c.oid) as hides_rows,
      a.attname as name,
      case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod)
        else pg_catalog.format_type(a.atttypid, a.atttypmod) end as type,
      t.typtype = 'e' as is_enumeration, a.attnotnull as not_null,
      pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        and pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') as readable
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname, a.attnum`.execute(db)
  const tables = new Map<string, FoundTable & { readonly columns: FoundColumn[] }>()
  for (const row of rows) {
    const { relation: name, is_table: isTable, hides_rows: hidesRows } = row
    const table = tables.get(name) ?? { name, isTable, hidesRows, columns: [] }
    table.columns.push({
      name: row.name,
      type: row.type,
      isEnumeration: row.is_enumeration,
      notNull: row.not_null,
      readable: row.readable,
    })
    tables.set(name, table)
  }
  return [...tables.values()]
}

export interface NamedTable {
  readonly schema: string
  readonly name: string
}

/** Every table of the database that has one of the names, the server's own schemas left out. */
export async function findTablesNamed(db: Db | Trx, names: readonly string[]): Promise<readonly NamedTable[]> {
  const { rows } = await sql<NamedTable>`
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relname in (${sql.join(names)})
      and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
    order by n.nspname, c.relname`.execute(db)
  return rows
}

/** Who asks, and what the role may do where orch keeps its own tables. */
export interface RoleRights {
  readonly role: string
  readonly database: string
  /** May do anything with a table of the other application: owns it, or is the server's administrator. */
  readonly ownsSource: boolean
  /** Whether the schema exists already. */
  readonly ownSchemaExists: boolean
  /** May create tables there; where it does not exist yet, may create it. */
  readonly mayCreate: boolean
  /** Tables of orch that exist and that the role may not read and insert into. */
  readonly closedTables: readonly string[]
}

interface RightsRow {
  readonly role: string
  readonly database: string
  readonly owns: boolean
  readonly exists: boolean
  readonly may_create: boolean
}

/** What this role may do in orch's own schema, and whether the other one is its own, too. */
export async function readRoleRights(db: Db | Trx, ownSchema: string, sourceSchema: string): Promise<RoleRights> {
  const { rows } = await sql<RightsRow>`
    select current_user as role, current_database() as database,
      exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace s on s.oid = c.relnamespace
        where s.nspname = ${sourceSchema} and c.relkind in ('r', 'p') and pg_catalog.pg_has_role(c.relowner, 'USAGE')) as owns,
      n.oid is not null as exists,
      case when n.oid is null then pg_catalog.has_database_privilege(current_database(), 'CREATE')
        else pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_schema_privilege(n.oid, 'CREATE')
        end as may_create
    from (select 1) one left join pg_catalog.pg_namespace n on n.nspname = ${ownSchema}`.execute(db)
  const closed = await sql<{ name: string }>`
    select c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${ownSchema} and c.relkind in ('r', 'p')
      and not (pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT')
        and pg_catalog.has_table_privilege(c.oid, 'INSERT'))
    order by c.relname`.execute(db)
  const [row] = rows
  return {
    role: row?.role ?? '',
    database: row?.database ?? '',
    ownsSource: row?.owns === true,
    ownSchemaExists: row?.exists === true,
    mayCreate: row?.may_create === true,
    closedTables: closed.rows.map(({ name }) => name),
  }
}
