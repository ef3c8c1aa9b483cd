/**
 * The migration lock of Postgres: an advisory lock per schema that ends with its transaction. It is asked for and
 * never waited for, because `create index concurrently` waits for every transaction that waits for it
 * (flyway#1654), and it belongs to the transaction rather than the session, because a pooler may give the session
 * to somebody else with the lock still on it (rails#31190).
 */
import { createHash } from 'node:crypto'
import { CompiledQuery, sql } from 'kysely'
import type { Db, Trx } from '../dialect/dialect.ts'
import type { MigrationEngine } from './engine.ts'

/** First word of the advisory lock: "ormg" in ASCII. The second one is made from the schema's name. */
const lockClass = 0x6f726d67

/**
 * What a migration waits for at most. Whoever waits for a table's lock holds up everybody behind it, readers too,
 * so it soon gives up, lets them go on and asks again.
 */
const tableLockTimeout = '1s'
/** A statement of a migration that works this long is broken. */
const statementTimeout = '1h'
/** How soon the server notices that a migrator is dead, and with that frees its locks; since Postgres 14. */
const checkConnectionEvery = '500ms'

/** The parts of the engine that are about locks. */
export function postgresLock(
  schema: string,
): Pick<MigrationEngine, 'tryLock' | 'holdsLock' | 'lockHolder' | 'tableUsers'> {
  const lockKey = createHash('sha256').update(schema).digest().readInt32BE(0)
  return {
    tryLock: (trx) => tryLock(trx, lockKey),
    holdsLock: (trx) => holdsLock(trx, lockKey),
    lockHolder: ({ db }) => lockHolder(db, lockKey),
    tableUsers: (db) => tableUsers(db, schema),
  }
}

async function tryLock(trx: Trx, lockKey: number): Promise<boolean> {
  await limitTransaction(trx)
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${sql.lit(lockClass)}, ${sql.lit(lockKey)}) as locked`.execute(trx)
  return rows[0]?.locked === true
}

/** Until the transaction ends: a session that goes back to a pool keeps nothing of it. */
async function limitTransaction(trx: Trx): Promise<void> {
  await sql`
    select set_config('lock_timeout', ${tableLockTimeout}, true),
      set_config('statement_timeout', ${statementTimeout}, true),
      set_config('idle_in_transaction_session_timeout', '0', true)`.execute(trx)
  // Older servers do not know the setting, and on some systems none can have it: then it stays as it is.
  const attempt = `savepoint orch_setting; select set_config('client_connection_check_interval', '${checkConnectionEvery}', true)`
  await trx.executeQuery(CompiledQuery.raw(attempt)).catch(() => {
    return trx.executeQuery(CompiledQuery.raw('rollback to savepoint orch_setting'))
  })
}

async function holdsLock(trx: Trx, lockKey: number): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    select exists (select 1 from pg_catalog.pg_locks l where ${isLock(lockKey)} and l.pid = pg_backend_pid()) as held
  `.execute(trx)
  return rows[0]?.held === true
}

async function lockHolder(db: Db, lockKey: number): Promise<string | null> {
  const { rows } = await sql<{ pid: number; client: string }>`
    select l.pid, coalesce(host(a.client_addr), 'local') as client
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where ${isLock(lockKey)}`.execute(db)
  const holder = rows[0]
  return holder === undefined ? null : `server process ${holder.pid} of client ${holder.client}`
}

function isLock(lockKey: number) {
  return sql<boolean>`l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.classid = ${lockClass}::bigint::oid and l.objid = (${lockKey}::bigint & 4294967295)::oid
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`
}

interface TableUser {
  readonly pid: number
  readonly name: string
  readonly state: string
  readonly tables: readonly string[]
}

async function tableUsers(db: Db, schema: string): Promise<readonly string[]> {
  const { rows } = await sql<TableUser>`
    select l.pid, coalesce(nullif(a.application_name, ''), 'unnamed') as name, coalesce(a.state, 'unknown') as state,
      array_agg(distinct c.relname::text order by c.relname::text) as tables
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = ${schema}
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.granted and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    group by l.pid, a.application_name, a.state order by l.pid`.execute(db)
  return rows.map(
    ({ pid, name, state, tables }) => `server process ${pid} (${name}, ${state}) which uses ${tables.join(', ')}`,
  )
}
