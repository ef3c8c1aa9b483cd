import type { Migration } from './migration.ts'

export interface ExpectedColumn {
  readonly name: string
  /** As the engine's catalog spells it. */
  readonly type: string
  readonly notNull: boolean
}

/** The object that one statement creates. */
export type CreatedObject =
  | {
      readonly kind: 'table'
      readonly table: string
      readonly columns: readonly ExpectedColumn[]
      readonly primaryKey: readonly string[]
    }
  | { readonly kind: 'column'; readonly table: string; readonly column: ExpectedColumn }
  | {
      readonly kind: 'index'
      readonly table: string
      readonly name: string
      /** Null where raw SQL says what it is over. */
      readonly columns: readonly string[] | null
      readonly unique: boolean
    }
  /** First rows of a table that the same migration creates: they are there when the table is. */
  | { readonly kind: 'rows'; readonly table: string; readonly count: number }

/** One statement as it will be sent, with the object it leaves behind. Migrations have no parameters. */
export interface Statement {
  readonly sql: string
  /** The same for a transaction; another text only where `sql` must run outside one. */
  readonly transactionalSql: string
  readonly creates: CreatedObject
}

/** A migration turned into statements for one engine; all of them passed the guard. */
export interface CompiledMigration {
  readonly migration: Migration
  readonly statements: readonly Statement[]
  /** SHA-256 over the statements, without the schema's name. */
  readonly checksum: string
}

/** Whether a statement has to run outside a transaction. */
export function isConcurrent({ sql, transactionalSql }: Statement): boolean {
  return sql !== transactionalSql
}

/** `table jobs`, `index jobs_claim`, `column jobs.title`, `2 rows of roles`. */
export function objectName(created: CreatedObject): string {
  switch (created.kind) {
    case 'table':
      return `table ${created.table}`
    case 'index':
      return `index ${created.name}`
    case 'column':
      return `column ${created.table}.${created.column.name}`
    case 'rows':
      return `${created.count} ${created.count === 1 ? 'row' : 'rows'} of ${created.table}`
  }
}
