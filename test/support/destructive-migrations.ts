import { sql, type Kysely } from 'kysely'
import type { Fixture, Up } from './migration-fixtures.ts'

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
  'raw statement of two': (db) => sql`create index notes_x on notes (body); drop table notes`.execute(db),
  'undeclared raw index': (db) => sql`create index notes_x on notes (lower(body))`.execute(db),
  'undeclared raw condition': (db) =>
    db.schema
      .createIndex('notes_x')
      .on('notes')
      .column('body')
      .where(sql<boolean>`length(body) > 1`)
      .execute(),
  'required column, null by default': (db) =>
    db.schema
      .alterTable('notes')
      .addColumn('at', 'text', (column) => column.notNull().defaultTo(null))
      .execute(),
  'generated column': (db) =>
    db.schema
      .alterTable('notes')
      .addColumn('at', 'text', (column) => column.generatedAlwaysAs(sql`body`).stored())
      .execute(),
  'rebuild by copy, drop and rename': async (db) => {
    await db.schema.createTable('notes').addColumn('id', 'text').execute()
    await (db as Kysely<Notes>)
      .insertInto('notes')
      .columns(['id'])
      .expression((db as Kysely<Notes>).selectFrom('notes').select('id'))
      .execute()
  },
  'rows over rows': (db) => (db as Kysely<Notes>).replaceInto('notes').values({ id: 'a', body: null }).execute(),
  'rows of a new table that may replace others': async (db) => {
    await db.schema.createTable('notes').addColumn('id', 'text').execute()
    await (db as Kysely<Notes>)
      .insertInto('notes')
      .values({ id: 'a', body: null })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ body: null }))
      .execute()
  },
  'rows computed by the engine': async (db) => {
    await db.schema.createTable('notes').addColumn('id', 'text').execute()
    await (db as Kysely<Notes>)
      .insertInto('notes')
      .values({ id: sql`current_user`, body: null })
      .execute()
  },
  savepoint: (db) => sql`savepoint a`.execute(db),
  rollback: (db) => sql`rollback`.execute(db),
  'begin again': (db) => sql`begin`.execute(db),
  'set transaction': (db) => sql`set transaction read only`.execute(db),
  'stream of rows': async (db) => {
    for await (const row of (db as Kysely<Notes>).selectFrom('notes').selectAll().stream()) void row
  },
  'merge into': (db) =>
    (db as Kysely<Notes>)
      .mergeInto('notes')
      .using('notes as other', 'notes.id', 'other.id')
      .whenMatched()
      .thenDelete()
      .execute(),
  'refresh a view': (db) => db.schema.refreshMaterializedView('notes').execute(),
  'a type': (db) => db.schema.createType('mood').asEnum(['sad']).execute(),
  'nothing at all': async () => {},
}

/** Declares, or is declared as, something that no migration may be. Each must be refused like the ones above. */
export const misdeclared: Readonly<Record<string, Fixture>> = {
  'raw SQL that differs from what is declared': {
    up: (db) => sql`create index notes_x on notes (upper(body))`.execute(db),
    rawSql: ['create index notes_x on notes (lower(body))'],
  },
  'declared raw SQL that is not in it': {
    up: (db) => db.schema.alterTable('notes').addColumn('a', 'text').execute(),
    rawSql: ['lower(body)'],
  },
  'declared drop': { up: (db) => sql`drop table notes`.execute(db), rawSql: ['drop table notes'] },
  'declared delete': { up: (db) => sql`delete from notes`.execute(db), rawSql: ['delete from notes'] },
  'declared commit': { up: (db) => sql`commit`.execute(db), rawSql: ['commit'] },
  'declared truncate': { up: (db) => sql`truncate notes`.execute(db), rawSql: ['truncate notes'] },
  'declared second statement': {
    up: (db) => sql`create index notes_x on notes (body); drop table notes`.execute(db),
    rawSql: ['create index notes_x on notes (body); drop table notes'],
  },
  'declared index on another table': {
    up: (db) => sql`create index jobs_x on jobs (id)`.execute(db),
    rawSql: ['create index jobs_x on jobs (id)'],
  },
  'declared unique index on rows': {
    up: (db) => sql`create unique index notes_x on notes (body)`.execute(db),
    rawSql: ['create unique index notes_x on notes (body)'],
  },
  'declared text that breaks out': {
    up: (db) =>
      db.schema
        .createIndex('notes_x')
        .on('notes')
        .column('body')
        .where(sql<boolean>`true); drop table notes; --`)
        .execute(),
    rawSql: ['true); drop table notes; --'],
  },
  'declared text that reads rows': {
    up: (db) =>
      db.schema
        .createTable('notes')
        .addColumn('id', 'text')
        .addCheckConstraint('notes_c', sql`id in (select id from notes)`)
        .execute(),
    rawSql: ['id in (select id from notes)'],
  },
  'declared comment': { up: (db) => sql`-- nothing`.execute(db), rawSql: ['-- nothing'] },
  'declared default of an added column': {
    up: (db) =>
      db.schema
        .alterTable('notes')
        .addColumn('at', 'text', (column) => column.defaultTo(sql`random()`))
        .execute(),
    rawSql: ['random()'],
  },
  'a table outside a transaction': {
    up: (db) => db.schema.createTable('notes').addColumn('id', 'text').execute(),
    transaction: false,
  },
  'two indexes outside a transaction': {
    up: async (db) => {
      await db.schema.createIndex('notes_x').on('notes').column('id').execute()
      await db.schema.createIndex('notes_y').on('notes').column('id').execute()
    },
    transaction: false,
  },
}

interface Notes {
  notes: { id: string; body: string | null }
}
