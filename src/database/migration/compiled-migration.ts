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
      readonly columns: readonly string[]
      readonly unique: boolean
    }

/** One statement as it will be sent, with the object it leaves behind. Migrations have no parameters. */
export interface Statement {
  readonly sql: string
  readonly creates: CreatedObject
}

/** A migration turned into statements for one engine; all of them passed the guard. */
export interface CompiledMigration {
  readonly migration: Migration
  readonly statements: readonly Statement[]
  /** SHA-256 over the statements, without the schema's name. */
  readonly checksum: string
}

/** `table jobs`, `index jobs_claim`, `column jobs.title`. */
export function objectName(created: CreatedObject): string {
  switch (created.kind) {
    case 'table':
      return `table ${created.table}`
    case 'index':
      return `index ${created.name}`
    case 'column':
      return `column ${created.table}.${created.column.name}`
  }
}
