import { describe, expect, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { compileMigration } from '../../../src/database/migration/compile-migration.ts'
import { postgresEngine } from '../../../src/database/migration/postgres-engine.ts'
import { sqliteEngine } from '../../../src/database/migration/sqlite-engine.ts'
import { additive } from '../../support/additive-migrations.ts'
import { destructive, misdeclared } from '../../support/destructive-migrations.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'

const engines = [
  ['SQLite', sqliteEngine, null],
  ['Postgres', postgresEngine('orch'), 'orch'],
] as const

describe.each(engines)('the guard for %s', (_label, engine, schema) => {
  it.each(Object.keys(destructive))('refuses: %s', async (name) => {
    const migration = noteMigration(destructive[name] ?? (async () => {}))
    await expect(compileMigration(engine, migration, schema)).rejects.toMatchObject({
      code: 'ORCH_MIGRATION_REFUSED',
      exitCode: 11,
      message: expect.stringContaining('9001-notes'),
    })
  })

  it.each(Object.keys(misdeclared))('refuses: %s', async (name) => {
    const { up = async () => {}, ...rest } = misdeclared[name] ?? {}
    await expect(compileMigration(engine, noteMigration(up, rest), schema)).rejects.toMatchObject({
      code: 'ORCH_MIGRATION_REFUSED',
    })
  })

  it.each(Object.keys(additive))('allows: %s', async (name) => {
    const { up = async () => {}, ...rest } = additive[name] ?? {}
    expect((await compileMigration(engine, noteMigration(up, rest), schema)).statements.length).toBeGreaterThan(0)
  })

  it('allows every migration that orch ships', async () => {
    for (const migration of [...migrations, createNotes]) {
      const { statements } = await compileMigration(engine, migration, schema)
      // One that only adds indexes declares no column.
      expect(statements).toHaveLength((migration.columns.length > 0 ? 1 : 0) + migration.indexes.length)
    }
  })
})

describe('a compiled migration', () => {
  it('has the same checksum in every schema and another one per engine', async () => {
    const inOrch = await compileMigration(postgresEngine('orch'), createNotes, 'orch')
    const inOther = await compileMigration(postgresEngine('other'), createNotes, 'other')
    expect(inOther.checksum).toBe(inOrch.checksum)
    expect(inOther.statements[0]?.sql).toContain('"other"."notes"')
  })

  it('changes its checksum with any statement', async () => {
    const shorter = { ...createNotes, up: async (db: never) => createNotes.up(db) }
    const edited = noteMigration(async (db) => {
      await db.schema.createTable('notes').addColumn('id', 'text').execute()
    })
    const original = await compileMigration(sqliteEngine, createNotes, null)
    expect((await compileMigration(sqliteEngine, shorter, null)).checksum).toBe(original.checksum)
    expect((await compileMigration(sqliteEngine, edited, null)).checksum).not.toBe(original.checksum)
  })

  it('is compiled from what was checked, whatever text the migration hands over', async () => {
    const disguised = noteMigration(async (db) => {
      const query = db.schema.createTable('notes').addColumn('id', 'text').compile()
      await db.executeQuery({ ...query, sql: 'drop table notes' })
    })
    const { statements } = await compileMigration(sqliteEngine, disguised, null)
    expect(statements.map(({ sql }) => sql)).toEqual(['create table "notes" ("id" text)'])
  })

  it('reads as the same SQL on both engines but for the schema', async () => {
    const { statements: sqlite } = await compileMigration(sqliteEngine, createNotes, null)
    const { statements: postgres } = await compileMigration(postgresEngine('orch'), createNotes, 'orch')
    expect(sqlite.map(({ sql }) => sql)).toEqual([
      'create table "notes" ("id" text not null, "body" text, constraint "notes_pk" primary key ("id"))',
      'create index "notes_body" on "notes" ("body")',
    ])
    expect(postgres.map(({ sql }) => sql)).toEqual([
      'create table "orch"."notes" ("id" text not null, "body" text, constraint "notes_pk" primary key ("id"))',
      'create index "notes_body" on "orch"."notes" ("body")',
    ])
  })
})
