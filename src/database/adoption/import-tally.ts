import type { TableName } from '../tables.ts'

export interface SkippedRow {
  readonly row: string
  readonly reason: string
}

/** What became of the rows of one table. */
export interface TableImport {
  /** As the table is called where it lies. */
  readonly table: string
  readonly into: TableName
  readonly read: number
  /** New rows in orch's table; in a dry run those that would be. */
  readonly imported: number
  /** Rows that were imported before, or that orch has of its own: they stay as they are. */
  readonly alreadyThere: number
  readonly skipped: number
  /** The first of them, each with the reason. */
  readonly skippedRows: readonly SkippedRow[]
  readonly notes: readonly string[]
}

const mostShown = 20

/** Counts while a table is imported. */
export class ImportTally {
  readonly #table: string
  readonly #into: TableName
  readonly #skippedRows: SkippedRow[] = []
  /** Notes with the number of rows each is about. */
  readonly #notes = new Map<string, number>()
  #skipped = 0
  read = 0
  imported = 0
  alreadyThere = 0

  constructor(table: string, into: TableName) {
    this.#table = table
    this.#into = into
  }

  skip(row: unknown, reason: string): void {
    this.#skipped += 1
    if (this.#skippedRows.length < mostShown) this.#skippedRows.push({ row: String(row), reason })
  }

  note(text: string): void {
    this.#notes.set(text, (this.#notes.get(text) ?? 0) + 1)
  }

  get result(): TableImport {
    return {
      table: this.#table,
      into: this.#into,
      read: this.read,
      imported: this.imported,
      alreadyThere: this.alreadyThere,
      skipped: this.#skipped,
      skippedRows: [...this.#skippedRows],
      notes: [...this.#notes].map(([text, rows]) => (rows === 1 ? text : `${text} (${rows} rows)`)),
    }
  }
}
