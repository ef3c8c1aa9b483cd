import type { Clock } from '../runtime/clock.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Database } from './connection.ts'
import type { Migration } from './migration/migration.ts'
import type { TableName } from './tables.ts'

/** What a migration promises to exist. */
export type Postcondition = Pick<Migration, 'name' | 'table' | 'columns' | 'indexes' | 'onlyFaster'>

interface Seen {
  readonly usable: ReadonlySet<string>
  readonly unknown: readonly string[]
}

export interface CapabilityOptions {
  /** Lets answers a few moments old count, for a process that asks many times a second. */
  readonly clock?: Pick<Clock, 'monotonic'>
  /** Hears of every table that somebody asked for and that cannot be used, as often as it is asked for. */
  readonly onMissing?: ((tables: readonly TableName[]) => void) | undefined
}

/** With a clock: how long an answer needs no second look. */
const freshMs = 100

/**
 * Which tables can be used. A table that lacks one expected column or index counts as missing, because
 * whatever was written against it cannot work. Answers are remembered until the database says that its
 * shape changed, or, where it cannot say so, until `refresh`; a lasting process calls `refresh` every 2 s.
 */
export class Capabilities {
  readonly #database: Database
  readonly #expected: readonly Postcondition[]
  readonly #clock: Pick<Clock, 'monotonic'> | null
  readonly #onMissing: (tables: readonly TableName[]) => void
  #seen: Promise<Seen> | null = null
  #version: number | null = null
  #freshUntilMs = Number.NEGATIVE_INFINITY

  constructor(database: Database, expected: readonly Postcondition[], options: CapabilityOptions = {}) {
    this.#database = database
    this.#expected = expected
    this.#clock = options.clock ?? null
    this.#onMissing = options.onMissing ?? (() => {})
  }

  /** Whether the table can be used. Throws what the database throws when it cannot be asked. */
  async has(table: TableName): Promise<boolean> {
    return (await this.missing([table])).length === 0
  }

  /** Those of the tables that cannot be used, in the order given. */
  async missing(tables: readonly TableName[]): Promise<readonly TableName[]> {
    const { usable } = await this.#look()
    const missing = tables.filter((table) => !usable.has(table))
    if (missing.length > 0) this.#onMissing(missing)
    return missing
  }

  /**
   * Migrations in the ledger that this orch does not know; empty unless a newer orch migrated the database.
   * Reading goes on, but whatever writes must refuse, because it does not know what its rows mean there.
   */
  async newer(): Promise<readonly string[]> {
    return (await this.#look()).unknown
  }

  /**
   * For what writes. Throws ORCH_TABLE_MISSING, naming the tables and what needs them, unless all can be
   * used, and ORCH_DATABASE_NEWER when a newer orch migrated the database.
   */
  async require(tables: readonly TableName[], neededFor: string): Promise<void> {
    await this.requireToRead(tables, neededFor)
    const newer = await this.newer()
    if (newer.length === 0) return
    throw new OrchError('ORCH_DATABASE_NEWER', `${neededFor} writes, and a newer orch made ${newer.join(', ')} here`, {
      hint: 'Update orch; reading still works with this version',
    })
  }

  /** For what only reads. Throws ORCH_TABLE_MISSING, naming the tables and what needs them, unless all can be used. */
  async requireToRead(tables: readonly TableName[], neededFor: string): Promise<void> {
    const missing = await this.missing(tables)
    if (missing.length === 0) return
    const noun = missing.length === 1 ? 'table' : 'tables'
    throw new OrchError('ORCH_TABLE_MISSING', `${neededFor} needs the missing ${noun} ${missing.join(', ')}`, {
      hint: 'Create what is missing with `orch db migrate`',
    })
  }

  /** Forgets what was seen, so that the next question looks again. */
  refresh(): void {
    this.#seen = null
    this.#freshUntilMs = Number.NEGATIVE_INFINITY
  }

  async #look(): Promise<Seen> {
    if (this.#seen !== null && this.#clock !== null && this.#clock.monotonic() < this.#freshUntilMs) return this.#seen
    const version = await this.#database.dialect.shapeVersion(this.#database.db)
    if (version !== this.#version) this.#seen = null
    this.#version = version
    const seen = (this.#seen ??= this.#read())
    try {
      const answer = await seen
      this.#freshUntilMs = (this.#clock?.monotonic() ?? 0) + freshMs
      return answer
    } catch (error) {
      // A failed look is not an answer: the next question must ask the database again.
      if (this.#seen === seen) this.#seen = null
      throw error
    }
  }

  async #read(): Promise<Seen> {
    const { db, dialect } = this.#database
    const [shape, indexes] = await Promise.all([dialect.shape(db), dialect.indexNames(db)])
    const broken = this.#expected.filter(
      ({ table, columns, indexes: wanted, onlyFaster }) =>
        onlyFaster !== true &&
        (columns.some((column) => shape.get(table)?.has(column) !== true) ||
          wanted.some((index) => !indexes.has(index))),
    )
    const brokenTables = new Set(broken.map(({ table }) => table))
    const known = new Set(this.#expected.map(({ name }) => name))
    const recorded = shape.get('orch_migrations')?.has('name') === true ? await this.#recordedNames() : []
    return {
      usable: new Set([...shape.keys()].filter((table) => !brokenTables.has(table))),
      unknown: recorded.filter((name) => !known.has(name)),
    }
  }

  async #recordedNames(): Promise<readonly string[]> {
    const rows = await this.#database.db.selectFrom('orch_migrations').select('name').orderBy('sequence').execute()
    return rows.map(({ name }) => name)
  }
}
