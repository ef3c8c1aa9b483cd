import { OrchError } from '../errors/orch-error.ts'
import type { Database } from './connection.ts'
import type { Migration } from './migration/migration.ts'
import type { TableName } from './tables.ts'

/** What a migration promises to exist. */
export type Postcondition = Pick<Migration, 'table' | 'columns' | 'indexes'>

/**
 * Which tables can be used. A table that lacks one expected column or index counts as missing, because
 * whatever was written against it cannot work. Answers are remembered until the database says that its
 * shape changed, or, where it cannot say so, until `refresh`; a lasting process calls `refresh` every 2 s.
 */
export class Capabilities {
  readonly #database: Database
  readonly #expected: readonly Postcondition[]
  #usable: Promise<ReadonlySet<string>> | null = null
  #version: number | null = null

  constructor(database: Database, expected: readonly Postcondition[]) {
    this.#database = database
    this.#expected = expected
  }

  /** Whether the table can be used. Throws what the database throws when it cannot be asked. */
  async has(table: TableName): Promise<boolean> {
    return (await this.missing([table])).length === 0
  }

  /** Those of the tables that cannot be used, in the order given. */
  async missing(tables: readonly TableName[]): Promise<readonly TableName[]> {
    const usable = await this.#probe()
    return tables.filter((table) => !usable.has(table))
  }

  /** Throws ORCH_TABLE_MISSING, naming the tables and what needs them, unless all can be used. */
  async require(tables: readonly TableName[], neededFor: string): Promise<void> {
    const missing = await this.missing(tables)
    if (missing.length === 0) return
    const noun = missing.length === 1 ? 'table' : 'tables'
    throw new OrchError('ORCH_TABLE_MISSING', `${neededFor} needs the missing ${noun} ${missing.join(', ')}`, {
      hint: 'Create what is missing with `orch db migrate`',
    })
  }

  /** Forgets what was seen, so that the next question looks again. */
  refresh(): void {
    this.#usable = null
  }

  async #probe(): Promise<ReadonlySet<string>> {
    const version = await this.#database.dialect.shapeVersion(this.#database.db)
    if (version !== this.#version) this.#usable = null
    this.#version = version
    const usable = (this.#usable ??= this.#readUsable())
    try {
      return await usable
    } catch (error) {
      // A failed look is not an answer: the next question must ask the database again.
      if (this.#usable === usable) this.#usable = null
      throw error
    }
  }

  async #readUsable(): Promise<ReadonlySet<string>> {
    const { db, dialect } = this.#database
    const [shape, indexes] = await Promise.all([dialect.shape(db), dialect.indexNames(db)])
    const broken = this.#expected.filter(
      ({ table, columns, indexes: wanted }) =>
        columns.some((column) => shape.get(table)?.has(column) !== true) || wanted.some((index) => !indexes.has(index)),
    )
    const brokenTables = new Set(broken.map(({ table }) => table))
    return new Set([...shape.keys()].filter((table) => !brokenTables.has(table)))
  }
}
