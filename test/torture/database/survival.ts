/** Promise 8: whatever goes wrong, no existing row is lost: the run proves it before it commits. */
import { sql } from 'kysely'
import type { Database } from '../../../src/database/connection.ts'
import type { Trx } from '../../../src/database/dialect/dialect.ts'
import { migrationEngine } from '../../../src/database/migration/engine.ts'
import { losses, proveSurvival } from '../../../src/database/migration/survival.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'
import { exactly, type Figure, type Scene } from '../line.ts'
import { apply, exitCodeOf, inBareDatabase, openPlace, type BareDatabase } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'

const children = 1000

export const survival: DatabaseItem = {
  numbers: [8],
  name: 'survival',
  promise: 'a run that would lose, change or add a row of a table that exists is rolled back, whoever does it',
  run: async (scene) => [...(await cascade(scene)), ...(await triggers(scene)), ...(await uncounted(scene))],
}

/** The worst that happened to others: a parent table rebuilt by copy and drop, which deletes every child. */
async function cascade(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ database }) => {
    await apply(database, [createNotes])
    await sql`insert into notes (id, body) values ('a', 'kept')`.execute(database.db)
    await sql`create table labels (id integer primary key, note text references notes (id) on delete cascade)`.execute(
      database.db,
    )
    const rows = Array.from({ length: children }, (_, id) => sql`(${sql.lit(id)}, 'a')`)
    await sql`insert into labels (id, note) values ${sql.join(rows)}`.execute(database.db)
    const asMigration = noteMigration(async (db) => {
      await db.schema.createTable('notes').ifNotExists().addColumn('id', 'text').execute()
      await db.schema.dropTable('notes').execute()
    })
    const refused = await exitCodeOf(apply(database, [createNotes, asMigration]))
    const behindTheGuard = await exitCodeOf(underProof(database, rebuildNotes))
    return [
      exactly('exit code of a rebuild with cascading children', refused, 11),
      exactly('exit code of the same behind the back of the guard', behindTheGuard, 11),
      exactly('children that are left', await count(database, 'labels'), children),
      exactly('parents that are left', await count(database, 'notes'), 1),
    ]
  })
}

/** What a run does around its statements. */
async function underProof(database: Database, work: (trx: Trx) => Promise<void>): Promise<void> {
  const engine = await migrationEngine(database.dialect)
  await database.db.transaction().execute(async (trx) => {
    const before = await engine.takeInventory(trx)
    await work(trx)
    proveSurvival('rebuild', losses(before, await engine.takeInventory(trx)))
  })
}

async function rebuildNotes(trx: Trx): Promise<void> {
  await sql`create table notes_new (id text primary key, body text)`.execute(trx)
  await sql`insert into notes_new select id, body from notes`.execute(trx)
  // Where a table with children cannot be dropped, deleting its rows does the same.
  await sql`delete from notes`.execute(trx)
  await sql`drop index notes_body`.execute(trx)
}

async function count({ db }: Database, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.id(table)}`.execute(db)
  return Number(rows[0]?.count)
}

const wipes: Readonly<Record<string, string>> = {
  'deletes a row': "delete from notes where id = 'a'",
  'changes a row': "update notes set body = 'other' where id = 'a'",
  'adds a row': "insert into notes (id) values ('c')",
  'replaces a row by another': "delete from notes where id = 'a'; insert into notes (id, body) values ('x', 'kept')",
}

/** Somebody's trigger on the ledger goes off with the last statement of a run. */
async function triggers(scene: Scene): Promise<readonly Figure[]> {
  const moments = scene.engine === 'SQLite' ? ['at once'] : ['at once', 'at the commit']
  const outside = scene.engine === 'SQLite' ? {} : { 'empties a table of others': 'truncate others.customers' }
  let tried = 0
  let refused = 0
  let kept = 0
  for (const wipe of Object.values({ ...wipes, ...outside })) {
    for (const moment of moments) {
      tried += 1
      await inBareDatabase(scene, async (bare) => {
        const { database } = bare
        await apply(database, [createNotes])
        await sql`insert into notes (id, body) values ('a', 'kept'), ('b', 'kept')`.execute(database.db)
        await addTrigger(bare, { statements: wipe.replace('others', `${bare.schema}_others`), moment })
        const more = noteMigration((db) => db.schema.alterTable('notes').addColumn('more', 'text').execute())
        if ((await exitCodeOf(apply(database, [createNotes, more]))) === 11) refused += 1
        const { rows } = await sql`select * from notes order by id`.execute(database.db)
        const ledger = await count(database, 'orch_migrations')
        const wanted = '[{"id":"a","body":"kept"},{"id":"b","body":"kept"}]'
        if (JSON.stringify(rows) === wanted && ledger === 1) kept += 1
        if (bare.schema !== undefined)
          await sql`drop schema ${sql.id(`${bare.schema}_others`)} cascade`.execute(database.db)
      })
    }
  }
  return [
    exactly('runs refused because a trigger touched rows', refused, tried),
    exactly('databases that are as they were', kept, tried),
  ]
}

interface Trigger {
  readonly statements: string
  readonly moment: string
}

async function addTrigger({ database, schema }: BareDatabase, { statements, moment }: Trigger): Promise<void> {
  const { db } = database
  if (schema === undefined) {
    await sql`create trigger wipe after insert on orch_migrations begin ${sql.raw(statements)}; end`.execute(db)
    return
  }
  const others = `${schema}_others`
  await sql`create schema ${sql.id(others)}`.execute(db)
  await sql`create table ${sql.id(others, 'customers')} as select 1 as id`.execute(db)
  await sql`create function wipe() returns trigger language plpgsql as $$
    begin ${sql.raw(statements)}; return null; end $$`.execute(db)
  const kind = moment === 'at once' ? sql`trigger` : sql`constraint trigger`
  const when = moment === 'at once' ? sql`` : sql`deferrable initially deferred`
  await sql`create ${kind} wipe after insert on orch_migrations ${when} for each row execute function wipe()`.execute(
    db,
  )
}

/** A server can be told to keep no statistics: then rows are counted. */
async function uncounted(scene: Scene): Promise<readonly Figure[]> {
  if (scene.engine === 'SQLite') return []
  return inBareDatabase(scene, async (bare) => {
    const url = new URL(bare.url)
    url.searchParams.set('options', '-c track_counts=off')
    await apply(bare.database, [createNotes])
    await sql`insert into notes (id, body) values ('a', 'kept'), ('b', 'kept')`.execute(bare.database.db)
    await addTrigger(bare, { statements: wipes['deletes a row'] ?? '', moment: 'at once' })
    const more = noteMigration((db) => db.schema.alterTable('notes').addColumn('more', 'text').execute())
    const silent = await openPlace({ url: url.toString(), schema: bare.schema })
    try {
      const code = await exitCodeOf(apply(silent, [createNotes, more]))
      const left = await count(bare.database, 'notes')
      await sql`drop schema ${sql.id(`${bare.schema}_others`)} cascade`.execute(bare.database.db)
      return [
        exactly('exit code on a server without statistics', code, 11),
        exactly('rows that are left there', left, 2),
      ]
    } finally {
      await silent.close()
    }
  })
}
