/** What a database file holds, as far as two copies of it can be compared and a person can tell them apart. */
import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import { SqliteFile, type OpenFile } from '../dialect/sqlite-file.ts'

export interface FileContent {
  /** Rows by table, orch's own tables and all others. */
  readonly rows: ReadonlyMap<string, number>
  /** Every definition, in order. */
  readonly definitions: string
  /** Names in the ledger, in order; empty without one. */
  readonly migrations: readonly string[]
  /** The orch that wrote the ledger's last row. */
  readonly version: string | null
}

/** Reads an open file, or the snapshot that its transaction holds. */
export function describeFile(file: OpenFile): FileContent {
  const master = file
    .prepare(`select type, name, coalesce(sql, '') as sql from sqlite_master order by type, name`)
    .all() as { type: string; name: string; sql: string }[]
  const tables = master.filter(({ type, name }) => type === 'table' && !name.startsWith('sqlite_'))
  const rows = new Map(tables.map(({ name }) => [name, countRows(file, name)]))
  const ledger = rows.has('orch_migrations') ? readLedger(file) : []
  return {
    rows,
    definitions: master.map(({ type, name, sql }) => `${type} ${name} ${sql}`).join('\n'),
    migrations: ledger.map(({ name }) => name),
    version: ledger.at(-1)?.tool_version ?? null,
  }
}

function countRows(file: OpenFile, table: string): number {
  return Number(
    file
      .prepare(`select count(*) from "${table.replaceAll('"', '""')}"`)
      .pluck()
      .get(),
  )
}

/** A table of another shape under the ledger's name is no ledger. */
function readLedger(file: OpenFile): readonly { name: string; tool_version: string }[] {
  const columns = file.prepare(`select name from pragma_table_info('orch_migrations')`).pluck().all()
  if (!['sequence', 'name', 'tool_version'].every((column) => columns.includes(column))) return []
  return file.prepare('select name, tool_version from orch_migrations order by sequence').all() as {
    name: string
    tool_version: string
  }[]
}

/** Opens a file that nobody writes to and reads all of it. Throws ORCH_BACKUP_FAILED unless it is sound. */
export function verifyFile(path: string): FileContent {
  try {
    const file = new SqliteFile(path, { readonly: true, fileMustExist: true })
    try {
      const faults = file
        .prepare('pragma integrity_check(5)')
        .pluck()
        .all()
        .filter((text) => text !== 'ok')
      if (faults.length > 0) throw unsound(path, faults.join('; '))
      return describeFile(file)
    } finally {
      file.close()
    }
  } catch (error) {
    if (error instanceof OrchError) throw error
    throw unsound(path, errorMessage(error), error)
  }
}

function unsound(path: string, why: string, cause?: unknown): OrchError {
  return new OrchError('ORCH_BACKUP_FAILED', `${path} cannot be relied on: ${why}`, {
    hint: 'It was opened and read whole, and that failed: use another backup',
    cause,
  })
}

/** How a copy differs from what was copied, as one sentence; null when it does not. */
export function differenceOf(original: FileContent, copy: FileContent): string | null {
  if (original.definitions !== copy.definitions) return 'its tables and indexes differ'
  for (const [table, rows] of original.rows) {
    const found = copy.rows.get(table) ?? 0
    if (found !== rows) return `${table} has ${found} rows instead of ${rows}`
  }
  return null
}
