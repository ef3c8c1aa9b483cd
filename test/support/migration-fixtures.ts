import type { Kysely } from 'kysely'
import type { Migration } from '../../src/database/migration/migration.ts'

export type Up = (db: Kysely<unknown>) => Promise<unknown>

/** What `up` does, and what else `noteMigration` is to be told. */
export interface Fixture extends Omit<Partial<Migration>, 'up'> {
  readonly up: Up
}

/** A migration about the table `notes`, numbered after all real ones. */
export function noteMigration(up: Up, overrides: Partial<Migration> = {}): Migration {
  return {
    name: '9001-notes',
    table: 'notes',
    reason: 'a fixture',
    columns: [],
    indexes: [],
    up: async (db) => void (await up(db)),
    ...overrides,
  }
}

/** Creates `notes (id text primary key, body text)` with an index. */
export const createNotes: Migration = {
  name: '9000-create-notes',
  table: 'notes',
  reason: 'a fixture with rows',
  columns: ['id', 'body'],
  indexes: ['notes_body'],
  up: async (db) => {
    await db.schema
      .createTable('notes')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('body', 'text')
      .addPrimaryKeyConstraint('notes_pk', ['id'])
      .execute()
    await db.schema.createIndex('notes_body').on('notes').column('body').execute()
  },
}

/** `count` migrations in order, each with a table of its own, an index and a first row that must come exactly once. */
export function numberedMigrations(count: number): readonly Migration[] {
  return Array.from({ length: count }, (_, index) => numberedMigration(index + 1))
}

function numberedMigration(number: number): Migration {
  const table = `numbered_${number}`
  return {
    name: `${9100 + number}-numbered`,
    table,
    reason: 'one of many',
    columns: ['id', 'name'],
    indexes: [`${table}_name`],
    up: async (db) => {
      await db.schema
        .createTable(table)
        .addColumn('id', 'integer', (column) => column.notNull())
        .addColumn('name', 'text')
        .execute()
      await db.schema.createIndex(`${table}_name`).on(table).column('name').execute()
      const rows = db as Kysely<Record<string, { id: number; name: string }>>
      await rows.insertInto(table).values({ id: number, name: 'first' }).execute()
    },
  }
}
