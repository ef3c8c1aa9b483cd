/**
 * Every statement that this process sends to a database, caught where the drivers take it: below Kysely and below
 * everything of orch, so that nothing gets around it.
 */
import { createRequire } from 'node:module'
import pg from 'pg'
import { withoutTable } from '../../../src/doctor/missing-table.ts'
import type { StagePlace } from './stage.ts'
import type { TableName } from '../../../src/database/tables.ts'

interface SqliteConnection {
  readonly name: string
  prepare(this: SqliteConnection, source: string): unknown
  exec(this: SqliteConnection, source: string): unknown
}

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as { readonly prototype: SqliteConnection }

/** A word that names one of orch's tables, quoted or not. No column and no index bears the name of a table. */
const tableWord = new RegExp(`\\b(${Object.keys(withoutTable).join('|')})\\b`, 'g')

interface Logged<T> {
  readonly done: T
  readonly statements: readonly string[]
}

/** Which connections count: to the file at `url`, or those whose tables are looked for in `schema`. */
export type LoggedPlace = Pick<StagePlace, 'url' | 'schema'>

/** Runs the work; returns what it returned, and every statement that was prepared for or sent to the place meanwhile. */
export async function withStatementLog<T>(place: LoggedPlace, work: () => Promise<T>): Promise<Logged<T>> {
  const statements: string[] = []
  const undo = [...watchSqlite(place, statements), watchPostgres(place, statements)]
  try {
    return { done: await work(), statements }
  } finally {
    for (const restore of undo) restore()
  }
}

/** The tables that the statements name. */
export function tablesIn(statements: readonly string[]): ReadonlySet<TableName> {
  const words = statements.flatMap((statement) => [...withoutLiterals(statement).matchAll(tableWord)])
  return new Set(words.map(([word]) => word as TableName))
}

/** What stands in quotation marks for text is data, whatever it says. */
function withoutLiterals(statement: string): string {
  return statement.replaceAll(/'(?:[^']|'')*'/g, "''")
}

function watchSqlite({ url }: LoggedPlace, statements: string[]): (() => void)[] {
  return (['prepare', 'exec'] as const).map((name) => {
    const original = Sqlite.prototype[name]
    Sqlite.prototype[name] = function watched(this: SqliteConnection, source: string) {
      if (this.name === url) statements.push(source)
      return original.call(this, source)
    }
    return () => void (Sqlite.prototype[name] = original)
  })
}

function watchPostgres({ schema }: LoggedPlace, statements: string[]): () => void {
  type Connection = pg.Client & { readonly connectionParameters: { readonly options?: string } }
  type Query = (this: Connection, ...parameters: unknown[]) => unknown
  const prototype = pg.Client.prototype as unknown as { query: Query }
  const original = prototype.query
  prototype.query = function watched(this: Connection, ...parameters) {
    const [first] = parameters
    const text = typeof first === 'string' ? first : String((first as { readonly text?: unknown }).text)
    if (this.connectionParameters.options?.endsWith(`search_path=${schema}`) === true) statements.push(text)
    return original.apply(this, parameters)
  }
  return () => void (prototype.query = original)
}
