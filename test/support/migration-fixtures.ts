import { sql, type Kysely } from 'kysely'
import type { Migration } from '../../src/database/migration/migration.ts'

type Up = (db: Kysely<unknown>) => Promise<unknown>

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

/** Statements that destroy, change, read or escape. Each must be refused, in the dry run and in the run. */
export const destructive: Readonly<Record<string, Up>> = {
  'drop table': (db) => db.schema.dropTable('notes').execute(),
  'drop table if exists': (db) => db.schema.dropTable('notes').ifExists().cascade().execute(),
  'drop column': (db) => db.schema.alterTable('notes').dropColumn('body').execute(),
  'drop index': (db) => db.schema.dropIndex('notes_body').execute(),
  'drop schema': (db) => db.schema.dropSchema('public').execute(),
  'rename table': (db) => db.schema.alterTable('notes').renameTo('old_notes').execute(),
  'rename column': (db) => db.schema.alterTable('notes').renameColumn('body', 'text').execute(),
  'change type': (db) =>
    db.schema
      .alterTable('notes')
      .alterColumn('body', (c) => c.setDataType('integer'))
      .execute(),
  'set not null': (db) =>
    db.schema
      .alterTable('notes')
      .alterColumn('body', (c) => c.setNotNull())
      .execute(),
  'drop default': (db) =>
    db.schema
      .alterTable('notes')
      .alterColumn('body', (c) => c.dropDefault())
      .execute(),
  'modify column': (db) => db.schema.alterTable('notes').modifyColumn('body', 'integer').execute(),
  'add unique constraint': (db) => db.schema.alterTable('notes').addUniqueConstraint('notes_u', ['body']).execute(),
  'drop constraint': (db) => db.schema.alterTable('notes').dropConstraint('notes_pk').execute(),
  'move to a schema': (db) => db.schema.alterTable('notes').setSchema('public').execute(),
  'delete rows': (db) => (db as Kysely<Notes>).deleteFrom('notes').execute(),
  'update rows': (db) => (db as Kysely<Notes>).updateTable('notes').set({ body: null }).execute(),
  'insert rows': (db) => (db as Kysely<Notes>).insertInto('notes').values({ id: 'x', body: null }).execute(),
  'read rows': (db) => (db as Kysely<Notes>).selectFrom('notes').selectAll().execute(),
  'raw truncate': (db) => sql`truncate notes`.execute(db),
  'raw comment': (db) => sql`-- nothing`.execute(db),
  'raw commit': (db) => sql`commit`.execute(db),
  'raw drop without plugins': (db) => sql`drop table notes`.execute(db.withoutPlugins()),
  'drop without plugins': (db) => db.withoutPlugins().schema.dropTable('notes').execute(),
  'transaction of its own': (db) => db.transaction().execute((trx) => trx.schema.dropTable('notes').execute()),
  'controlled transaction': (db) => db.startTransaction().execute(),
  introspection: (db) => db.introspection.getTables(),
  'hand-made SQL': (db) => db.executeQuery(sql`drop table notes`.compile(db)),
  'create if not exists': (db) => db.schema.createTable('notes').ifNotExists().addColumn('id', 'text').execute(),
  'create as select': (db) =>
    db.schema
      .createTable('notes')
      .as(sql`select * from notes`)
      .execute(),
  'temporary table': (db) => db.schema.createTable('notes').temporary().addColumn('id', 'text').execute(),
  'another table': (db) => db.schema.createTable('jobs').addColumn('id', 'text').execute(),
  'a schema': (db) => db.schema.createSchema('elsewhere').execute(),
  'another schema': (db) => db.withSchema('public').schema.createTable('notes').addColumn('id', 'text').execute(),
  'a view': (db) =>
    db.schema
      .createView('notes')
      .as((db as Kysely<Notes>).selectFrom('notes').selectAll())
      .execute(),
  'raw column type': (db) =>
    db.schema
      .createTable('notes')
      .addColumn('id', sql`text; drop table notes`)
      .execute(),
  'raw default': (db) =>
    db.schema
      .alterTable('notes')
      .addColumn('at', 'text', (column) => column.defaultTo(sql`now()`))
      .execute(),
  'required column': (db) =>
    db.schema
      .alterTable('notes')
      .addColumn('at', 'text', (column) => column.notNull())
      .execute(),
  'unique column': (db) =>
    db.schema
      .alterTable('notes')
      .addColumn('at', 'text', (column) => column.unique())
      .execute(),
  'foreign key': (db) =>
    db.schema
      .createTable('notes')
      .addColumn('id', 'text', (column) => column.references('jobs.id'))
      .execute(),
  'two columns at once': (db) => db.schema.alterTable('notes').addColumn('a', 'text').addColumn('b', 'text').execute(),
  'unique index on rows': (db) => db.schema.createIndex('notes_u').on('notes').unique().column('body').execute(),
  'index if not exists': (db) => db.schema.createIndex('notes_u').ifNotExists().on('notes').column('body').execute(),
  'index on an expression': (db) =>
    db.schema
      .createIndex('notes_e')
      .on('notes')
      .expression(sql`lower(body)`)
      .execute(),
  'nothing at all': async () => {},
}

interface Notes {
  notes: { id: string; body: string | null }
}

/** Additions to `notes` as `createNotes` leaves it. Each must pass and be applied. */
export const additive: Readonly<Record<string, { readonly up: Up; readonly indexes?: readonly string[] }>> = {
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
}
