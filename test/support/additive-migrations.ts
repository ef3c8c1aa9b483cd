import { sql, type Kysely } from 'kysely'
import type { Fixture } from './migration-fixtures.ts'

/** Additions to `notes` as `createNotes` leaves it, or beside it. Each must pass and be applied. */
export const additive: Readonly<Record<string, Fixture>> = {
  'nullable text': { up: (db) => db.schema.alterTable('notes').addColumn('a', 'text').execute() },
  'nullable bigint': { up: (db) => db.schema.alterTable('notes').addColumn('a', 'bigint').execute() },
  'integer with a default': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('a', 'integer', (c) => c.defaultTo(0))
        .execute(),
  },
  'required with a default': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('a', 'text', (c) => c.notNull().defaultTo('none'))
        .execute(),
  },
  'a real number': { up: (db) => db.schema.alterTable('notes').addColumn('a', 'real').execute() },
  'two columns, one by one': {
    up: async (db) => {
      await db.schema.alterTable('notes').addColumn('a', 'text').execute()
      await db.schema.alterTable('notes').addColumn('b', 'text').execute()
    },
  },
  'an index': {
    up: (db) => db.schema.createIndex('notes_more').on('notes').columns(['body', 'id']).execute(),
    indexes: ['notes_more'],
  },
  'an index with directions': {
    up: (db) => db.schema.createIndex('notes_more').on('notes').columns(['body desc', 'id asc']).execute(),
    indexes: ['notes_more'],
  },
  'a partial index': {
    up: (db) =>
      db.schema.createIndex('notes_more').on('notes').columns(['id', 'body']).where('body', 'is not', null).execute(),
    indexes: ['notes_more'],
  },
  'a column with its index': {
    up: async (db) => {
      await db.schema.alterTable('notes').addColumn('a', 'text').execute()
      await db.schema.createIndex('notes_more').on('notes').column('a').where('a', '=', "it's").execute()
    },
    indexes: ['notes_more'],
  },
  'a number with digits': { up: (db) => db.schema.alterTable('notes').addColumn('a', 'numeric(10, 2)').execute() },
  'a text of limited length': { up: (db) => db.schema.alterTable('notes').addColumn('a', 'varchar(40)').execute() },
  'a truth': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('a', 'boolean', (c) => c.defaultTo(false))
        .execute(),
  },
  'a default with a quote, a semicolon and a comment in it': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('a', 'text', (c) => c.defaultTo("it's; drop table notes -- not"))
        .execute(),
  },
  'a column whose name is a word of SQL': {
    up: (db) => db.schema.alterTable('notes').addColumn('select', 'text').execute(),
  },
  'a column in mixed case with its index': {
    up: async (db) => {
      await db.schema.alterTable('notes').addColumn('readAt', 'bigint').execute()
      await db.schema.createIndex('Notes_ReadAt').on('notes').column('readAt').execute()
    },
    columns: ['readAt'],
    indexes: ['Notes_ReadAt'],
  },
  'a negative default': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('a', 'integer', (c) => c.notNull().defaultTo(-1))
        .execute(),
  },
  'an index on a declared expression': {
    up: (db) =>
      db.schema
        .createIndex('notes_more')
        .on('notes')
        .expression(sql`lower(body)`)
        .execute(),
    indexes: ['notes_more'],
    rawSql: ['lower(body)'],
  },
  'an index under a declared condition': {
    up: (db) =>
      db.schema
        .createIndex('notes_more')
        .on('notes')
        .column('id')
        .where(sql<boolean>`length(body) > 1`)
        .execute(),
    indexes: ['notes_more'],
    rawSql: ['length(body) > 1'],
  },
  'a whole index in declared raw SQL': {
    up: (db) => sql`create index notes_more on notes (lower(body), id) where body <> ''`.execute(db),
    indexes: ['notes_more'],
    rawSql: ["create index notes_more on notes (lower(body), id) where body <> ''"],
  },
  'an index outside a transaction': {
    up: (db) => db.schema.createIndex('notes_more').on('notes').column('body').execute(),
    indexes: ['notes_more'],
    transaction: false,
  },
  'a table': {
    up: (db) =>
      db.schema
        .createTable('labels')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .execute(),
    table: 'labels',
    columns: ['id'],
  },
  'a table in mixed case': {
    up: (db) =>
      db.schema
        .createTable('NoteLabels')
        .addColumn('labelId', 'text', (c) => c.notNull())
        .execute(),
    table: 'NoteLabels',
    columns: ['labelId'],
  },
  'a table with a unique index, a check and a computed default': {
    up: async (db) => {
      await db.schema
        .createTable('labels')
        .addColumn('id', 'integer')
        .addColumn('name', 'text', (c) => c.defaultTo(sql`(lower('NONE'))`))
        .addCheckConstraint('labels_positive', sql`id > 0`)
        .addUniqueConstraint('labels_unique', ['name'])
        .execute()
      await db.schema.createIndex('labels_id').on('labels').unique().column('id').execute()
    },
    table: 'labels',
    columns: ['id', 'name'],
    indexes: ['labels_id'],
    rawSql: ['id > 0', "(lower('NONE'))"],
  },
  'a table with its first rows': {
    up: async (db) => {
      await db.schema.createTable('labels').addColumn('id', 'integer').addColumn('name', 'text').execute()
      const labels = db as Kysely<Labels>
      await labels
        .insertInto('labels')
        .values([
          { id: 1, name: "o'clock" },
          { id: 2, name: null },
        ])
        .execute()
      await labels.insertInto('labels').values({ id: 3, name: '; commit' }).execute()
    },
    table: 'labels',
    columns: ['id', 'name'],
  },
}

interface Labels {
  labels: { id: number; name: string | null }
}
