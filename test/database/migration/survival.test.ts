import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Trx } from '../../../src/database/dialect/dialect.ts'
import { migrationEngine } from '../../../src/database/migration/engine.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import { losses, proveSurvival } from '../../../src/database/migration/survival.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { describeEachDatabase, describePostgres } from '../../support/databases.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'

/** What the guard can never let through, done behind its back. */
const destruction: Readonly<Record<string, (trx: Trx) => Promise<unknown>>> = {
  'a deleted row': (trx) => sql`delete from notes where id = 'a'`.execute(trx),
  'an updated row': (trx) => sql`update notes set body = 'other' where id = 'a'`.execute(trx),
  'an added row': (trx) => sql`insert into notes (id) values ('z')`.execute(trx),
  'a dropped table': (trx) => sql`drop table notes`.execute(trx),
  'a dropped column': async (trx) => {
    await sql`drop index notes_body`.execute(trx)
    await sql`alter table notes drop column body`.execute(trx)
  },
  'a renamed column': (trx) => sql`alter table notes rename column body to text`.execute(trx),
  'a dropped index': (trx) => sql`drop index notes_body`.execute(trx),
  'a rebuilt table': async (trx) => {
    await sql`create table copy as select id, body from notes`.execute(trx)
    await sql`drop table notes`.execute(trx)
    await sql`alter table copy rename to notes`.execute(trx)
  },
}

describeEachDatabase('the proof of survival', (open) => {
  const openWithRows = async () => {
    const database = await open({ migrate: false })
    await migrate(database, { migrations: [createNotes], clock: systemClock, toolVersion: 'test' })
    await sql`insert into notes (id, body) values ('a', 'kept'), ('b', 'kept')`.execute(database.db)
    return { database, engine: await migrationEngine(database.dialect) }
  }

  it.each(Object.keys(destruction))('notices %s and rolls it back', async (name) => {
    const { database, engine } = await openWithRows()
    const run = database.db.transaction().execute(async (trx) => {
      const before = await engine.takeInventory(trx)
      await destruction[name]?.(trx)
      proveSurvival('9001-notes', losses(before, await engine.takeInventory(trx)))
    })
    await expect(run).rejects.toMatchObject({ code: 'ORCH_MIGRATION_REFUSED', exitCode: 11 })
    const { rows } = await sql`select id, body from notes order by id`.execute(database.db)
    expect(rows).toEqual([
      { id: 'a', body: 'kept' },
      { id: 'b', body: 'kept' },
    ])
  })

  it('is content with additions', async () => {
    const { database, engine } = await openWithRows()
    const run = database.db.transaction().execute(async (trx) => {
      const before = await engine.takeInventory(trx)
      await sql`create table other (id text)`.execute(trx)
      await sql`alter table notes add column more text`.execute(trx)
      await sql`create index notes_more on notes (more)`.execute(trx)
      return losses(before, await engine.takeInventory(trx))
    })
    expect(await run).toEqual([])
  })
})

describePostgres('a run whose statements set off something of the owner’s', (open) => {
  it('is rolled back when that touches rows', async () => {
    const database = await open({ migrate: false })
    await migrate(database, { migrations: [createNotes], clock: systemClock, toolVersion: 'test' })
    await sql`insert into notes (id, body) values ('a', 'kept')`.execute(database.db)
    const schema = database.schema ?? ''
    const trigger = `on_ddl_${schema}`
    // The server knows one list of event triggers for all tests: this one looks only at its own schema.
    await sql`create function ${sql.id(schema, 'wipe')}() returns event_trigger language plpgsql as $$
      begin if current_schema() = ${sql.lit(schema)} then delete from notes; end if; end $$`.execute(database.db)
    await sql`create event trigger ${sql.id(trigger)} on ddl_command_end when tag in ('ALTER TABLE')
      execute function ${sql.id(schema, 'wipe')}()`.execute(database.db)
    const more = noteMigration((db) => db.schema.alterTable('notes').addColumn('more', 'text').execute())
    const run = migrate(database, { migrations: [createNotes, more], clock: systemClock, toolVersion: 'test' })
    await expect(run).rejects.toMatchObject({ code: 'ORCH_MIGRATION_REFUSED' })
    await expect(run).rejects.toThrow('rows that existed were written in notes: 1')
    expect((await sql`select * from notes`.execute(database.db)).rows).toEqual([{ id: 'a', body: 'kept' }])
  })
})
