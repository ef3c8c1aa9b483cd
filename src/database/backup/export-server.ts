/** A backup of a server: orch's own tables, exported from one snapshot that reads only and blocks nobody. */
import { OrchError } from '../../errors/orch-error.ts'
import { openDatabase, type Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { Catalog } from '../migration/catalog.ts'
import { ledgerMigration, readLedger } from '../migration/ledger.ts'
import { prepareSteps, type MigrationSource } from '../migration/migration-step.ts'
import type { Migration } from '../migration/migration.ts'
import type { BackupOptions, WrittenBackup } from './back-up.ts'
import {
  rowsOf,
  verifyExport,
  writeExport,
  type Digests,
  type ExportedTable,
  type ExportHeader,
} from './export-file.ts'
import { RowsDigest } from './rows-digest.ts'
import { countRows, rowLines } from './table-rows.ts'

/** Fills the draft and reads it back. Throws ORCH_BACKUP_FAILED, and ORCH_DATABASE_NEWER for what only a newer orch knows whole. */
export async function exportServer(draft: string, options: BackupOptions): Promise<WrittenBackup> {
  const { url, clock, random, schema, migrations } = options
  const database = await openDatabase(url, { clock, random, schema, readOnly: true, connections: 1 })
  try {
    const source = await prepareSteps(database.dialect, migrations)
    const snapshot = database.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
    const written = await snapshot.execute(async (trx) => {
      const contents = await readContents(trx, { database, source, migrations })
      const digests = new Map<string, RowsDigest>()
      await writeExport(draft, exportLines(trx, contents, { digests, options }))
      return { ...contents, digests: textsOf(digests) }
    })
    const found = await verifyExport(draft)
    if (JSON.stringify(found.digests) !== JSON.stringify(written.digests)) {
      throw new OrchError('ORCH_BACKUP_FAILED', 'The export does not hold what was exported', {
        hint: 'No backup was kept. Check the disk, then run the command again',
      })
    }
    const { header, leftOut } = written
    return { rows: rowsOf(found.digests), migrations: header.migrations, version: header.migratedBy, leftOut }
  } finally {
    await database.close()
  }
}

interface Contents {
  readonly header: ExportHeader
  readonly schema: string
  /** What lies in orch's schema and is not orch's own. */
  readonly leftOut: readonly string[]
}

interface Exported {
  readonly database: Database
  readonly source: MigrationSource
  readonly migrations: readonly Migration[]
}

async function readContents(trx: Trx, { database, source, migrations }: Exported): Promise<Contents> {
  const catalog = await source.engine.readCatalog(trx)
  const own = ownTables(source, catalog)
  const hasLedger = own.some(({ name }) => name === ledgerMigration.table)
  const ledger = hasLedger ? await readLedger(trx) : []
  const known = new Set(migrations.map(({ name }) => name))
  const newer = ledger.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  if (newer.length > 0) {
    throw new OrchError('ORCH_DATABASE_NEWER', `This orch does not know ${newer.join(', ')} and would leave it out`, {
      hint: 'Update orch: only one that knows every table can export them all',
    })
  }
  const header: ExportHeader = {
    format: 'orch-export',
    version: 1,
    takenAt: await database.dialect.now(trx),
    migratedBy: ledger.at(-1)?.tool_version ?? null,
    migrations: ledger.map(({ name }) => name),
    tables: own,
  }
  return { header, schema: source.schema ?? '', leftOut: strangers(own, catalog) }
}

/** Every table and column that some migration makes, as far as it exists. */
export function ownTables(
  source: Pick<MigrationSource, 'ledger' | 'migrations'>,
  { tables }: Catalog,
): readonly ExportedTable[] {
  const made = new Map<string, Set<string>>()
  for (const { migration } of [source.ledger, ...source.migrations]) {
    const columns = made.get(migration.table) ?? new Set()
    for (const column of migration.columns) columns.add(column)
    made.set(migration.table, columns)
  }
  return [...made].flatMap(([name, columns]) => {
    const found = tables.get(name)
    if (found?.isTable !== true) return []
    return [{ name, columns: [...columns].filter((column) => found.columns.has(column)) }]
  })
}

function strangers(own: readonly ExportedTable[], { tables }: Catalog): readonly string[] {
  return [...tables].flatMap(([name, { isTable, columns }]) => {
    const exported = own.find((table) => table.name === name)
    if (exported === undefined) return isTable ? [`table ${name}`] : []
    return [...columns.keys()].filter((one) => !exported.columns.includes(one)).map((one) => `column ${name}.${one}`)
  })
}

interface Exporting {
  readonly digests: Map<string, RowsDigest>
  readonly options: Pick<BackupOptions, 'signal' | 'onProgress'>
}

async function* exportLines(trx: Trx, { header, schema }: Contents, exporting: Exporting): AsyncGenerator<string> {
  const { digests, options } = exporting
  yield JSON.stringify(header)
  const total = await countAll(trx, header.tables, schema)
  let done = 0
  let bytes = 0
  for (const { name, columns } of header.tables) {
    const digest = new RowsDigest()
    digests.set(name, digest)
    yield JSON.stringify({ table: name })
    for await (const lines of rowLines(trx, { schema, name, columns })) {
      if (options.signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped: no backup was made')
      for (const line of lines) {
        digest.add(line)
        bytes += line.length
      }
      yield lines.join('\n')
      done += lines.length
      options.onProgress?.({ share: done / total, totalBytes: Math.round((bytes / done) * total) })
    }
  }
  yield JSON.stringify({ end: textsOf(digests) })
}

async function countAll(trx: Trx, tables: readonly ExportedTable[], schema: string): Promise<number> {
  let total = 0
  for (const { name } of tables) total += await countRows(trx, schema, name)
  return total
}

function textsOf(digests: ReadonlyMap<string, RowsDigest>): Digests {
  return Object.fromEntries([...digests].map(([table, digest]) => [table, digest.text]))
}
