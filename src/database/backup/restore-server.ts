/**
 * Brings an export back into a server: a fresh schema is made by orch's own migrations, filled, compared, and takes
 * the name of the old one in one transaction. The old schema stays, under another name.
 */
import { sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import { openDatabase, type Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { migrate } from '../migration/migrate.ts'
import { migrationEngine } from '../migration/engine.ts'
import { underMigrationLock } from '../migration/migration-lock.ts'
import type { Migration } from '../migration/migration.ts'
import { dropScratchSchema } from '../queries/scratch-schemas.ts'
import { backUp, type Backup } from './back-up.ts'
import {
  readExport,
  rowsOf,
  verifyExport,
  type ExportedTable,
  type ExportHeader,
  type VerifiedExport,
} from './export-file.ts'
import { refuseWhileScheduled } from './live-schedulers.ts'
import { refuseNewer, type Restored, type RestoreOptions } from './restore.ts'
import { RowsDigest } from './rows-digest.ts'
import { insertLines, rowLines } from './table-rows.ts'
import { copyGrants } from './schema-grants.ts'

/** See `restore`. */
export async function restoreServer(options: RestoreOptions): Promise<Restored> {
  const found = await verifyExport(options.from)
  refuseNewer(found.header.migrations, options)
  const { url, clock, random, schema = 'orch' } = options
  const database = await openDatabase(url, { clock, random, schema, connections: 2 })
  try {
    await refuseWhileScheduled(database, options.isAlive)
    const safety = (await database.dialect.shape(database.db)).size > 0 ? await saveFirst(options) : null
    return await restoreInto(database, { found, options, schema, safety })
  } finally {
    await database.close()
  }
}

/** What a newer orch made cannot be exported by this one; it stays whole in the old schema. */
async function saveFirst(options: RestoreOptions): Promise<Backup | null> {
  try {
    return await backUp({ ...options, reason: 'before-restore', spare: options.from })
  } catch (error) {
    if (error instanceof OrchError && error.code === 'ORCH_DATABASE_NEWER') return null
    throw error
  }
}

interface Restoring {
  readonly found: VerifiedExport
  readonly options: RestoreOptions
  readonly schema: string
  readonly safety: Backup | null
}

async function restoreInto(database: Database, restoring: Restoring): Promise<Restored> {
  const { found, options, safety } = restoring
  const { url, clock, random } = options
  const salt = Math.floor(random.next() * 36 ** 8)
    .toString(36)
    .padStart(8, '0')
  const fresh = `orch_restore_${clock.now().toString(36)}_${salt}`
  const target = await openDatabase(url, { clock, random, schema: fresh, connections: 2 })
  try {
    await createTables(target, found.header, options)
    await fill(target, fresh, options)
    await proveSame(target, fresh, found)
    const aside = await takeOver(database, { ...restoring, fresh })
    return { safety, aside, rows: rowsOf(found.digests), migrations: found.header.migrations }
  } catch (error) {
    await dropScratchSchema(target.db, fresh).catch(() => {})
    throw error
  } finally {
    await target.close()
  }
}

/** The migrations that the export's ledger names, as far as their tables are in it; without a ledger, those that are in it whole. */
async function createTables(target: Database, header: ExportHeader, options: RestoreOptions): Promise<void> {
  const { clock, toolVersion, signal } = options
  const migrations = options.migrations.filter((migration) => isIn(migration, header))
  await migrate(target, { migrations, clock, toolVersion, ...(signal === undefined ? {} : { signal }) })
}

function isIn({ name: migration, table, columns }: Migration, { tables, migrations }: ExportHeader): boolean {
  if (migrations.length > 0 && !migrations.includes(migration)) return false
  const exported = tables.find(({ name }) => name === table)
  return exported !== undefined && columns.every((column) => exported.columns.includes(column))
}

/** A statement takes at most this much text, beside the one row that may be larger. */
const textAtOnce = 4_000_000
const rowsAtOnce = 500

/** All tables in one transaction. */
async function fill(target: Database, fresh: string, { from, signal }: RestoreOptions): Promise<void> {
  const engine = await migrationEngine(target.dialect)
  const { tables } = await engine.readCatalog(target.db)
  const columns = new Map<string, ExportedTable>()
  await target.db.transaction().execute(async (trx) => {
    let batch: { table: string; lines: string[]; length: number } = { table: '', lines: [], length: 0 }
    const send = async () => {
      const table = columns.get(batch.table)
      const types = (table?.columns ?? []).map((column) => tables.get(batch.table)?.columns.get(column)?.type ?? 'text')
      if (table !== undefined) await insertLines(trx, { ...table, schema: fresh, types }, batch.lines)
    }
    for await (const line of readExport(from)) {
      if (signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped: the database is as it was before')
      if (line.kind === 'header') {
        for (const table of line.header.tables) columns.set(table.name, table)
        await empty(trx, fresh, line.header.tables)
      }
      if (line.kind !== 'row') continue
      if (line.table !== batch.table || batch.lines.length >= rowsAtOnce || batch.length >= textAtOnce) {
        await send()
        batch = { table: line.table, lines: [], length: 0 }
      }
      batch.lines.push(line.text)
      batch.length += line.text.length
    }
    await send()
  })
}

/** The migrations wrote their ledger, and may have written first rows, into the fresh schema: the export has its own. */
async function empty(trx: Trx, fresh: string, tables: readonly ExportedTable[]): Promise<void> {
  for (const { name } of tables) await sql`delete from ${sql.id(fresh, name)}`.execute(trx)
}

/** Reads back what was stored, from one snapshot. Throws ORCH_BACKUP_FAILED unless it is what was exported. */
async function proveSame(target: Database, fresh: string, { header, digests }: VerifiedExport): Promise<void> {
  const snapshot = target.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
  await snapshot.execute(async (trx) => {
    for (const { name, columns } of header.tables) {
      const digest = new RowsDigest()
      for await (const lines of rowLines(trx, { schema: fresh, name, columns }))
        for (const line of lines) digest.add(line)
      if (digest.text === digests[name]) continue
      throw new OrchError('ORCH_BACKUP_FAILED', `${name} did not come back as it was exported`, {
        hint: 'Nothing was changed',
      })
    }
  })
}

interface TakeOver extends Restoring {
  readonly fresh: string
}

/** Exchanges the names while nobody else is in the old tables. Returns the old schema's new name, if there was one. */
async function takeOver(database: Database, { fresh, schema, options }: TakeOver): Promise<string | null> {
  const { clock, lockTimeoutMs: timeoutMs, isAlive, signal } = options
  const engine = await migrationEngine(database.dialect)
  const lock = { engine, clock, timeoutMs, ...(signal === undefined ? {} : { signal }) }
  return underMigrationLock(database, lock, async (trx) => {
    const { schemaExists, tables } = await engine.readCatalog(trx)
    const aside = `${schema}_replaced_${clock.now().toString(36)}`.slice(0, 63)
    if (schemaExists) {
      const names = [...tables].filter(([, { isTable }]) => isTable).map(([name]) => sql.id(schema, name))
      if (names.length > 0) await sql`lock table ${sql.join(names)} in access exclusive mode`.execute(trx)
      // One may have started since it was looked for; now none can write.
      await refuseWhileScheduled({ ...database, db: trx, now: () => database.dialect.now(trx) }, isAlive)
      await copyGrants(trx, schema, fresh)
      await renameSchema(trx, schema, aside)
    }
    await renameSchema(trx, fresh, schema)
    return schemaExists ? aside : null
  })
}

async function renameSchema(trx: Trx, from: string, to: string): Promise<void> {
  await sql`alter schema ${sql.id(from)} rename to ${sql.id(to)}`.execute(trx)
}
