/** Postgres: a pool, one schema for all of orch's tables, time by the server's clock. */
import pg from 'pg'
import { Kysely, sql } from 'kysely'
import { OrchError, errorMessage, systemErrorCode } from '../../errors/orch-error.ts'
import type { OpenOptions } from '../connection.ts'
import type { Tables } from '../tables.ts'
import type { WatchOptions } from './change-watch.ts'
import type { DatabaseFailure, Db, Dialect, Shape } from './dialect.ts'
import { groupColumns } from './group-columns.ts'
import { serverOutage, type OutageCause } from './outage-cause.ts'
import { Patience } from './patience.ts'
import { BulkPostgresDialect } from './postgres-driver.ts'
import { WatchedPool } from './postgres-pool.ts'
import { channelOf, PostgresWatch, sendHint } from './postgres-watch.ts'
import { withoutPassword } from './server-address.ts'
import { retryContention } from './transaction-retry.ts'

const int8Oid = 20
const numericOid = 1700
/** For a server that is there; with the pause between two tries its return must be noticed within 5 s. */
const connectTimeoutMs = 3000
/** The advisory lock that serializes exact shared limits; the two words are "orch", "limi" in ASCII. */
const limitsLock = [0x6f726368, 0x6c696d69] as const

/** Connects to a server and proves it with one query, so that a wrong address fails here. */
export async function openPostgres(url: string, options: OpenOptions) {
  const schema = options.schema ?? 'orch'
  const address = withoutPassword(url)
  const client = clientConfig(url, schema, options)
  const { clock } = options
  const patience = new Patience(clock)
  const pool = new WatchedPool({ client, max: options.connections ?? 10, clock, patience })
  const db = new Kysely<Tables>({ dialect: new BulkPostgresDialect(pool) })
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    await db.destroy()
    throw new OrchError(
      'ORCH_DATABASE_UNREACHABLE',
      `Cannot reach ${address}: ${errorMessage(error) || systemErrorCode(error)}`,
      {
        hint: 'Check that the server runs and that address, user and password are right; `?connect_timeout=30` in the address gives it more time',
        cause: error,
      },
    )
  }
  const channel = channelOf(schema)
  const sender = `from ${Math.floor(options.random.next() * 2 ** 48).toString(36)}`
  const watchChanges = (watching: WatchOptions = {}) =>
    new PostgresWatch({ ...options, ...watching, db, client, channel, sender })
  const hurry = () => {
    patience.hurry()
    pool.hurry()
  }
  const dialect = postgresDialect(schema, { ...options, channel, sender, patience })
  return { db, dialect, address, watchChanges, hurry, close: () => db.destroy() }
}

function clientConfig(url: string, schema: string, options: OpenOptions): pg.ClientConfig {
  const readOnly = options.readOnly === true ? ' -c default_transaction_read_only=on' : ''
  const given = splitOptions(url)
  return {
    connectionString: given.url,
    connectionTimeoutMillis: given.connectTimeoutMs ?? connectTimeoutMs,
    keepAlive: true,
    application_name: 'orch',
    options: `${given.options} -c search_path=${quoteSchema(schema)}${readOnly}`.trim(),
    types: { getTypeParser: parserFor },
  }
}

interface GivenAddress {
  readonly url: string
  readonly options: string
  readonly connectTimeoutMs: number | null
}

/** `options` in the address would replace orch's own, and with them the schema: both are sent. */
function splitOptions(url: string): GivenAddress {
  if (!URL.canParse(url)) return { url, options: '', connectTimeoutMs: null }
  const parsed = new URL(url)
  const options = parsed.searchParams.get('options') ?? ''
  // libpq's name and unit, which pg does not read.
  const seconds = Number(parsed.searchParams.get('connect_timeout') ?? 0)
  const connectTimeoutMs = seconds > 0 ? seconds * 1000 : null
  if (options === '') return { url, options, connectTimeoutMs }
  parsed.searchParams.delete('options')
  return { url: parsed.toString(), options, connectTimeoutMs }
}

/** Letters, digits and underscores need no quoting, and nothing else is worth the risk in a start-up option. */
function quoteSchema(schema: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema
  throw new OrchError('ORCH_USAGE', `"${schema}" is no schema name orch can use`, {
    hint: 'Use lower-case letters, digits and underscores in ORCH_DB_SCHEMA',
  })
}

/** 64-bit integers hold times and micro-dollars, both far below 2^53. */
const parserFor: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === int8Oid || oid === numericOid
    ? Number
    : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser

interface PostgresOptions extends OpenOptions {
  readonly patience: Patience
  readonly channel: string
  readonly sender: string
}

function postgresDialect(schema: string, options: PostgresOptions): Dialect {
  const { clock, random, patience } = options
  const policy = { clock, random, patience, classify: classifyPostgres }
  return {
    label: 'Postgres',
    skipsLocked: true,
    notifies: true,
    schema,
    now: async (db) => {
      const { rows } = await sql<{ now: number }>`
        select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
      return rows[0]?.now ?? clock.now()
    },
    write: (db, work) => retryContention(policy, () => db.transaction().execute(work)),
    shape: (db) => readShape(db, schema),
    indexNames: (db) => readIndexNames(db, schema),
    shapeVersion: async () => null,
    changeVersion: async () => null,
    lockLimits: async (trx) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(limitsLock[0])}, ${sql.lit(limitsLock[1])})`.execute(trx)
    },
    notify: (db) => sendHint(db, options.channel, options.sender),
    jsonText: (column, member) => sql<string | null>`(${sql.ref(column)}::json ->> ${sql.lit(member)})`,
    classify: classifyPostgres,
    causeOf: causeOfPostgres,
  }
}

async function readShape(db: Db, schema: string): Promise<Shape> {
  const { rows } = await sql<{ name: string; column_name: string }>`
    select c.relname as name, a.attname as column_name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`.execute(db)
  return groupColumns(rows)
}

/** An index whose concurrent build failed stays in the catalog as invalid and enforces nothing. */
async function readIndexNames(db: Db, schema: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and i.indisvalid`.execute(db)
  return new Set(rows.map(({ name }) => name))
}

const missingObject = new Set(['42P01', '42703', '3F000'])
const contention = new Set(['40001', '40P01', '55P03'])
function classifyPostgres(error: unknown): DatabaseFailure {
  const code = systemErrorCode(error)
  if (code === undefined) return 'other'
  if (contention.has(code)) return 'contention'
  if (missingObject.has(code)) return 'missing_object'
  if (code === '23505') return 'duplicate'
  return serverOutage(code) === null ? 'other' : 'outage'
}

function causeOfPostgres(error: unknown): OutageCause {
  const code = systemErrorCode(error) ?? ''
  return contention.has(code) ? 'locked' : (serverOutage(code) ?? 'away')
}
