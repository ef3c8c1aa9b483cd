import { CompiledQuery, sql, type RawBuilder } from 'kysely'
import type { Db, Trx } from '../../dialect/dialect.ts'
import type { Cell, StoredCell } from './cell.ts'
import type { ColumnKind } from './column-kind.ts'
import { PageSize } from './page-size.ts'
import type { StoredRow, TransferEngine } from './transfer-engine.ts'
import type { TransferColumn, TransferTable } from './transfer-table.ts'

/** Postgres: every value has the type of its column. */
export function postgresTransfer(schema: string): TransferEngine {
  return {
    beginReading: 'begin isolation level repeatable read read only',
    readPages: (db, table) => readPages(db, table, schema),
    insertRows: (trx, table, rows) => insertRows(trx, { table, schema }, rows),
    lockTables: async (trx, tables) => {
      if (tables.length === 0) return
      await sql`lock table ${relations(schema, tables)} in exclusive mode`.execute(trx)
    },
    advanceIdentities: (trx, tables) => advanceIdentities(trx, schema, tables),
    gatherStatistics: async (trx, tables) => {
      if (tables.length > 0) await sql`analyze ${relations(schema, tables)}`.execute(trx)
    },
  }
}

function relations(schema: string, tables: readonly string[]): RawBuilder<unknown> {
  return sql.join(tables.map((table) => sql.id(schema, table)))
}

const cursor = 'orch_transfer'

/** The row's cells in the order of its columns. */
type PageRow = Readonly<Record<string, StoredCell>>

/** By a cursor, because a result without one would come all at once. */
async function* readPages(db: Db, table: TransferTable, schema: string): AsyncGenerator<readonly StoredRow[]> {
  const size = new PageSize()
  const cells = sql.join(table.columns.map((column, index) => sql`${storedCell(column)} as ${sql.id(`c${index}`)}`))
  // Otherwise a role or an address may have numbers printed with fewer digits than they have.
  await sql`select set_config('extra_float_digits', '1', true)`.execute(db)
  await sql`declare ${sql.id(cursor)} no scroll cursor for select ${cells} from ${sql.id(schema, table.name)}`.execute(
    db,
  )
  for (;;) {
    const { rows } = await sql<PageRow>`fetch ${sql.lit(size.rows)} from ${sql.id(cursor)}`.execute(db)
    if (rows.length === 0) break
    const page = rows.map((row) => Object.values(row))
    yield page
    size.saw(page)
  }
  await sql`close ${sql.id(cursor)}`.execute(db)
}

/** The value with the letter of its type in front; null stays null. */
function storedCell({ name, kind }: TransferColumn): RawBuilder<StoredCell> {
  const value = sql.id(name)
  switch (kind.kind) {
    case 'text':
    case 'json text':
    case 'json':
      return sql`'t' || ${value}::text`
    case 'integer':
      return sql`'i' || ${value}::text`
    case 'boolean':
      return sql`'i' || ${value}::int::text`
    case 'real':
      return sql`'r' || ${value}::text`
    case 'blob':
      return sql`'b' || upper(encode(${value}, 'hex'))`
    case 'timestamp':
      return sql`'t' || to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  }
}

interface InsertPlace {
  readonly table: TransferTable
  readonly schema: string
}

/** One array for each column: the statement stays the same for any number of rows. */
async function insertRows(trx: Trx, { table, schema }: InsertPlace, rows: readonly (readonly Cell[])[]): Promise<void> {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  const { columns } = table
  const target = `${quoted(schema)}.${quoted(table.name)} (${columns.map(({ name }) => quoted(name)).join(', ')})`
  const values = columns.map(({ kind }, index) => typedCell(`c${index}`, kind)).join(', ')
  const given = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const names = columns.map((_, index) => `c${index}`).join(', ')
  const text = `insert into ${target} select ${values} from unnest(${given}) as given(${names})`
  const arrays = columns.map((_, index) => rows.map((row) => row[index] ?? null))
  await trx.executeQuery(CompiledQuery.raw(text, arrays))
}

function typedCell(name: string, kind: ColumnKind): string {
  switch (kind.kind) {
    case 'text':
    case 'json text':
      return name
    case 'integer':
      return `${name}::int${kind.bits / 8}`
    case 'real':
      return `${name}::float${kind.bytes}`
    case 'boolean':
      return `${name}::int::boolean`
    case 'blob':
      return `decode(${name}, 'hex')`
    case 'json':
      return `${name}::jsonb`
    case 'timestamp':
      return `${name}::timestamptz`
  }
}

interface CountedColumn {
  readonly relation: string
  readonly name: string
  readonly counter: string
}

/** Identity and serial columns alike: each has a sequence of its own. */
async function advanceIdentities(trx: Trx, schema: string, tables: readonly string[]): Promise<void> {
  const { rows } = await sql<CountedColumn>`
    select c.relname as relation, a.attname as name,
      pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname) as counter
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and c.relname = any(${tables})
      and pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname) is not null`.execute(
    trx,
  )
  for (const { relation, name, counter } of rows) {
    await sql`select setval(${counter}::regclass, greatest(max(${sql.id(name)}), 1), max(${sql.id(name)}) is not null)
      from ${sql.id(schema, relation)}`.execute(trx)
  }
}
