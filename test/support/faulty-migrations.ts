import { sql, type Kysely } from 'kysely'
import type { Migration } from '../../src/database/migration/migration.ts'
import type { Random } from '../../src/runtime/random.ts'
import { createNotes, noteMigration } from './migration-fixtures.ts'

export interface FaultyMigration {
  readonly fault: string
  readonly migration: Migration
}

/** Migrations that cannot be right, with names by chance. Each comes after `createNotes`. */
export function faultyMigrations(random: Random): readonly FaultyMigration[] {
  const name = (kind: string) => `${kind}_${Math.floor(random.next() * 2 ** 40).toString(36)}`
  const column = name('c')
  const index = name('i')
  const table = name('t')
  const alter = (db: Kysely<unknown>) => db.schema.alterTable('notes')
  const make = (fault: string, up: Parameters<typeof noteMigration>[0], more: Partial<Migration> = {}) => ({
    fault,
    migration: noteMigration(up, more),
  })
  return [
    make('a type that does not exist', (db) =>
      alter(db)
        .addColumn(column, 'varchr(10)' as never)
        .execute(),
    ),
    make('a serial number', (db) => alter(db).addColumn(column, 'serial').execute()),
    make('a required column without a default', (db) =>
      alter(db)
        .addColumn(column, 'text', (c) => c.notNull())
        .execute(),
    ),
    make('a unique column', (db) =>
      alter(db)
        .addColumn(column, 'text', (c) => c.unique())
        .execute(),
    ),
    make('a column that references', (db) =>
      alter(db)
        .addColumn(column, 'text', (c) => c.references('notes.id'))
        .execute(),
    ),
    make('a default that is not constant', (db) =>
      alter(db)
        .addColumn(column, 'text', (c) => c.defaultTo(sql`current_timestamp`))
        .execute(),
    ),
    make('a function of the other engine', (db) =>
      alter(db)
        .addColumn(column, 'text', (c) => c.defaultTo(sql`gen_random_uuid()`))
        .execute(),
    ),
    make(
      'a declared function that no engine has',
      (db) => sql`create index ${sql.ref(index)} on notes (${sql.ref(name('f'))}(body))`.execute(db),
      { indexes: [index] },
    ),
    make('a table that another migration creates', (db) =>
      db.schema.createTable('notes').addColumn(column, 'text').execute(),
    ),
    make(
      'the same column twice',
      (db) => db.schema.createTable(table).addColumn(column, 'text').addColumn(column, 'text').execute(),
      { table },
    ),
    make(
      'an index over a column that is not there',
      (db) => db.schema.createIndex(index).on('notes').column(column).execute(),
      {
        indexes: [index],
      },
    ),
    make(
      'a key of columns that are not there',
      (db) =>
        db.schema
          .createTable(table)
          .addColumn(column, 'text')
          .addPrimaryKeyConstraint(name('k'), [name('c') as never])
          .execute(),
      { table },
    ),
    make(
      'a column of a table that is not there',
      (db) => db.schema.alterTable(table).addColumn(column, 'text').execute(),
      { table },
    ),
    make('an index that is declared and not made', (db) => alter(db).addColumn(column, 'text').execute(), {
      indexes: [index],
    }),
    make('more columns than an engine takes', (db) => manyColumns(db, table), { table }),
  ]
}

/** SQLite takes 2000 at most, Postgres 1600. */
function manyColumns(db: Kysely<unknown>, table: string): Promise<void> {
  let builder = db.schema.createTable(table)
  for (let count = 0; count < 2001; count++) builder = builder.addColumn(`c${count}`, 'integer') as typeof builder
  return builder.execute()
}

/** What each of them comes after. */
export const beforeFaulty: readonly Migration[] = [createNotes]
