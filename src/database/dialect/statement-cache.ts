import type SqliteFile from 'better-sqlite3'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

const mostStatements = 256

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
      const statement = known ?? (file.prepare(text) as SqliteStatement)
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
