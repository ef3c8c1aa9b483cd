import type SqliteFile from 'better-sqlite3'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

const mostStatements = 256
/** From so many rows on it pays to ask what the columns are called. */
const manyRows = 32

/**
 * The file with its prepared statements kept: a scheduler sends the same few dozen again and again, and
 * preparing one costs more than running it. The engine prepares anew by itself when the schema changed. The
 * least recently used one goes first.
 */
export function withStatementCache(file: SqliteFile.Database): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => void file.close(),
    prepare: (text) => {
      const known = statements.get(text)
      // Set again on every use, so that the map is in order of use.
      if (known !== undefined) statements.delete(text)
      const statement = known ?? new KeptStatement(file.prepare(text))
      statements.set(text, statement)
      if (statements.size > mostStatements) {
        for (const oldest of statements.keys()) {
          statements.delete(oldest)
          break
        }
      }
      return statement
    },
  }
}

/**
 * A prepared statement that makes the objects of many rows itself: the driver names each column of each row anew,
 * which for the thirty columns of a job costs twice what reading them does.
 */
class KeptStatement implements SqliteStatement {
  readonly reader: boolean
  readonly #statement: SqliteFile.Statement<unknown[]>
  #returnsMany = false

  constructor(statement: SqliteFile.Statement<unknown[]>) {
    this.#statement = statement
    this.reader = statement.reader
  }

  all(parameters: readonly unknown[]): unknown[] {
    if (this.#returnsMany) return this.#readMany(parameters)
    const rows = this.#statement.all(parameters)
    this.#returnsMany = rows.length >= manyRows
    return rows
  }

  run(parameters: readonly unknown[]): SqliteFile.RunResult {
    return this.#statement.run(parameters)
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(parameters)
  }

  #readMany(parameters: readonly unknown[]): unknown[] {
    const rows = this.#readArrays(parameters)
    // After the reading: where the schema changed, `*` may mean other columns than last time.
    const names = this.#statement.columns().map(({ name }) => name)
    const empty = Object.fromEntries(names.map((name) => [name, null as unknown]))
    return rows.map((values) => {
      const row = { ...empty }
      for (const [place, name] of names.entries()) row[name] = values[place]
      return row
    })
  }

  #readArrays(parameters: readonly unknown[]): readonly (readonly unknown[])[] {
    this.#statement.raw(true)
    try {
      return this.#statement.all(parameters) as unknown[][]
    } finally {
      this.#statement.raw(false)
    }
  }
}
