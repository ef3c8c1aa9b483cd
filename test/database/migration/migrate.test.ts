import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import type { Database } from '../../../src/database/connection.ts'
import { migrate, type MigrateOptions } from '../../../src/database/migration/migrate.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { describeEachDatabase } from '../../support/databases.ts'
import { additive } from '../../support/additive-migrations.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'

const options: MigrateOptions = { migrations: [createNotes], clock: systemClock, toolVersion: '1.2.3' }

async function ledger({ db }: Database) {
  return db.selectFrom('orch_migrations').selectAll().orderBy('sequence').execute()
}

async function tables(database: Database): Promise<readonly string[]> {
  return [...(await database.dialect.shape(database.db)).keys()].toSorted()
}

async function addNote({ db }: Database, id: string): Promise<void> {
  await sql`insert into notes (id, body) values (${id}, 'kept')`.execute(db)
}

describeEachDatabase('migrating', (open) => {
  it('creates everything once and then has nothing to do', async () => {
    const database = await open({ migrate: false })
    const first = await migrate(database, { ...options, migrations })
    expect(first.steps.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name))
    const declared = new Set(migrations.map(({ table }) => table))
    expect(await tables(database)).toEqual([...declared, 'orch_migrations'].toSorted())
    const again = await migrate(database, { ...options, migrations })
    expect(again).toEqual({ steps: [], remaining: 0, createdSchema: false })
  })

  it('keeps a ledger: sequence, checksum, outcome, tool version, time', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    const [row] = await ledger(database)
    expect(row).toMatchObject({ sequence: 1, name: '9000-create-notes', outcome: 'applied', tool_version: '1.2.3' })
    expect(row?.checksum).toMatch(/^[0-9a-f]{64}$/)
    expect(row?.applied_at).toBeGreaterThan(1_600_000_000_000)
  })

  it('sends what it reports, in order, the ledger’s row last', async () => {
    const database = await open({ migrate: false })
    const { steps } = await migrate(database, options)
    const made = database.dialect.schema === null ? [] : ['create schema']
    const starts = [...made, 'create table', 'create table', 'create index', 'insert into']
    expect(steps[0]?.statements.map((text) => text.split(' ', 2).join(' '))).toEqual(starts)
  })

  it('tells each committed step', async () => {
    const told: string[] = []
    await migrate(await open({ migrate: false }), { ...options, onStep: ({ name }) => told.push(name) })
    expect(told).toEqual(['9000-create-notes'])
  })

  it.each(Object.keys(additive))('applies an addition and keeps the rows: %s', async (name) => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await addNote(database, 'a')
    const { up = async () => {}, ...rest } = additive[name] ?? {}
    const more = noteMigration(up, rest)
    const { steps } = await migrate(database, { ...options, migrations: [createNotes, more] })
    expect(steps.map((step) => step.outcome)).toEqual(['applied'])
    const rows = await sql`select id, body from notes`.execute(database.db)
    expect(rows.rows).toEqual([{ id: 'a', body: 'kept' }])
  })

  it('moves only forward with --to', async () => {
    const database = await open({ migrate: false })
    const some = migrations.slice(0, 4)
    const partly = await migrate(database, { ...options, migrations: some, to: '0002-provider-health' })
    expect([partly.steps.length, partly.remaining]).toEqual([2, 2])
    const rest = await migrate(database, { ...options, migrations: some, to: '0004' })
    expect([rest.steps.length, rest.remaining]).toEqual([2, 0])
    await expect(migrate(database, { ...options, migrations: some, to: '0001' })).rejects.toMatchObject({
      code: 'ORCH_CONFLICT',
    })
    await expect(migrate(database, { ...options, migrations: some, to: '0009' })).rejects.toMatchObject({
      code: 'ORCH_NOT_FOUND',
    })
  })

  it('applies a migration that was inserted before applied ones', async () => {
    const database = await open({ migrate: false })
    const [first, second] = [migrations[0], migrations[1]] as [Migration, Migration]
    await migrate(database, { ...options, migrations: [second] })
    const { steps } = await migrate(database, { ...options, migrations: [first, second] })
    expect(steps.map(({ name }) => name)).toEqual([first.name])
  })

  it('stops between two migrations when it is told to', async () => {
    const stop = new AbortController()
    const database = await open({ migrate: false })
    const { steps, remaining } = await migrate(database, {
      ...options,
      migrations,
      signal: stop.signal,
      onStep: () => stop.abort(),
    })
    expect([steps.length, remaining]).toEqual([1, migrations.length - 1])
  })

  it('creates a dropped table again, empty, and records it once more', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await database.db.schema.dropTable('notes').execute()
    const { steps } = await migrate(database, options)
    expect(steps.map(({ outcome }) => outcome)).toEqual(['applied'])
    expect((await ledger(database)).map(({ sequence, name }) => [sequence, name])).toEqual([
      [1, '9000-create-notes'],
      [2, '9000-create-notes'],
    ])
  })

  it('creates only the index that is gone', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await addNote(database, 'a')
    await database.db.schema.dropIndex('notes_body').execute()
    const { steps } = await migrate(database, options)
    expect(steps[0]?.statements).toHaveLength(2)
    expect(steps[0]?.statements[0]).toContain('create index "notes_body"')
  })
})

describeEachDatabase('what exists without a ledger row', (open) => {
  it('is adopted when it has the right shape: nothing is executed, the rows stay', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await addNote(database, 'a')
    await database.db.schema.dropTable('orch_migrations').execute()
    const { steps } = await migrate(database, options)
    expect(steps[0]?.outcome).toBe('adopted')
    expect(steps[0]?.statements.filter((text) => text.includes('"notes"'))).toEqual([])
    expect((await ledger(database))[0]?.outcome).toBe('adopted')
  })

  const shapes: Readonly<Record<string, (database: Database) => Promise<unknown>>> = {
    'lacks a column': ({ db }) => sql`alter table notes drop column body`.execute(db),
    'has another type': async ({ db }) => {
      await sql`alter table notes drop column body`.execute(db)
      await sql`alter table notes add column body integer`.execute(db)
    },
    'is not null where it should be nullable': async ({ db }) => {
      await sql`alter table notes drop column body`.execute(db)
      await sql`alter table notes add column body text not null default ''`.execute(db)
    },
    'has another primary key': async ({ db }) => {
      await sql`drop table notes`.execute(db)
      await sql`create table notes (id text not null, body text not null)`.execute(db)
    },
    'is a view': async ({ db }) => {
      await sql`drop table notes`.execute(db)
      await sql`create view notes as select 'a' as id, 'b' as body`.execute(db)
    },
    'has an index of that name on other columns': async ({ db }) => {
      await sql`drop index notes_body`.execute(db)
      await sql`create index notes_body on notes (id)`.execute(db)
    },
  }

  it.each(Object.keys(shapes))('is drift when it %s, and nothing at all is written', async (name) => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await database.db.schema.dropTable('orch_migrations').execute()
    await sql`drop index notes_body`.execute(database.db)
    await sql`create index notes_body on notes (body)`.execute(database.db)
    if (name !== 'has an index of that name on other columns') await sql`drop index notes_body`.execute(database.db)
    await shapes[name]?.(database)
    const before = await tables(database)
    const run = migrate(database, { ...options, migrations: [...migrations, createNotes] })
    await expect(run).rejects.toMatchObject({ code: 'ORCH_MIGRATION_DRIFT', exitCode: 12 })
    await expect(run).rejects.toThrow(/notes/)
    expect(await tables(database)).toEqual(before)
  })
})

describeEachDatabase('a ledger that disagrees', (open) => {
  it('names an edited migration', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    const edited = {
      ...createNotes,
      up: async (...[db]: Parameters<Migration['up']>) => {
        await createNotes.up(db)
        await db.schema.createIndex('notes_id').on('notes').column('id').execute()
      },
    }
    await expect(migrate(database, { ...options, migrations: [edited] })).rejects.toMatchObject({
      code: 'ORCH_MIGRATION_DRIFT',
      message: expect.stringContaining('9000-create-notes was edited after it was applied'),
    })
  })

  it('tells that the database is newer', async () => {
    const database = await open({ migrate: false })
    await migrate(database, options)
    await expect(migrate(database, { ...options, migrations })).rejects.toMatchObject({
      code: 'ORCH_DATABASE_NEWER',
      exitCode: 12,
      message: expect.stringContaining('9000-create-notes'),
    })
    expect(await tables(database)).toEqual(['notes', 'orch_migrations'])
  })

  it('is drift when the ledger’s own table has another shape', async () => {
    const database = await open()
    await sql`alter table orch_migrations drop column checksum`.execute(database.db)
    await expect(migrate(database, { ...options, migrations })).rejects.toMatchObject({ code: 'ORCH_MIGRATION_DRIFT' })
  })
})

describeEachDatabase('a migration that fails', (open) => {
  // Statement k of 4 names a column that does not exist.
  it.each([2, 3, 4])('at statement %i leaves nothing behind, and the corrected one applies', async (failing) => {
    const database = await open({ migrate: false })
    const indexed = (broken: boolean) =>
      noteMigration(
        async (db) => {
          await db.schema.createTable('notes').addColumn('id', 'text').execute()
          for (const position of [2, 3, 4]) {
            const column = broken && position === failing ? 'no_such_column' : 'id'
            await db.schema.createIndex(`notes_${position}`).on('notes').column(column).execute()
          }
        },
        { columns: ['id'], indexes: ['notes_2', 'notes_3', 'notes_4'] },
      )
    await expect(migrate(database, { ...options, migrations: [indexed(true)] })).rejects.toMatchObject({
      code: 'ORCH_DATABASE_FAILED',
      exitCode: 6,
      message: expect.stringMatching(/failed at statement \d of \d: .*no_such_column/),
    })
    expect(await tables(database)).toEqual([])
    const { steps } = await migrate(database, { ...options, migrations: [indexed(false)] })
    expect(steps).toHaveLength(1)
  })

  it('keeps the migrations before it', async () => {
    const database = await open({ migrate: false })
    const broken = noteMigration((db) => db.schema.createIndex('n').on('notes').column('nope').execute())
    await expect(migrate(database, { ...options, migrations: [createNotes, broken] })).rejects.toThrow('9001-notes')
    expect((await ledger(database)).map(({ name }) => name)).toEqual(['9000-create-notes'])
  })

  it('is rolled back when it does not create what it declares', async () => {
    const database = await open({ migrate: false })
    const lying = { ...createNotes, columns: ['id', 'body', 'title'] }
    await expect(migrate(database, { ...options, migrations: [lying] })).rejects.toThrow('column title')
    expect(await tables(database)).toEqual([])
  })
})

describeEachDatabase('the migration lock', (open) => {
  it('is given up after the timeout, naming the holder where the engine knows it', async () => {
    const database = await open({ migrate: false })
    const other = await database.connect()
    const { underMigrationLock } = await import('../../../src/database/migration/migration-lock.ts')
    const { migrationEngine } = await import('../../../src/database/migration/engine.ts')
    const engine = await migrationEngine(database.dialect)
    await underMigrationLock(other, { engine, clock: systemClock, timeoutMs: 0 }, async () => {
      await expect(migrate(database, { ...options, lockTimeoutMs: 60 })).rejects.toMatchObject({
        code: 'ORCH_MIGRATION_LOCKED',
        exitCode: 14,
        message: expect.stringMatching(
          database.dialect.skipsLocked ? /server process \d+/ : /process \d+ \(|another process/,
        ),
      })
    })
    expect((await migrate(database, options)).steps).toHaveLength(1)
  })

  it('is waited for', async () => {
    const database = await open({ migrate: false })
    const other = await database.connect()
    const runs = await Promise.all([
      migrate(database, { ...options, migrations }),
      migrate(other, { ...options, migrations }),
    ])
    const names = runs.flatMap(({ steps }) => steps.map(({ name }) => name))
    expect(names.toSorted()).toEqual(migrations.map(({ name }) => name))
    expect(await ledger(database)).toHaveLength(migrations.length)
  })

  it('is not needed when there is nothing to do', async () => {
    const database = await open()
    const other = await database.connect()
    await other.write(async (trx) => {
      await trx
        .updateTable('orch_migrations')
        .set((eb) => ({ name: eb.ref('name') }))
        .execute()
      expect((await migrate(database, { ...options, migrations, lockTimeoutMs: 0 })).steps).toEqual([])
    })
  })
})
