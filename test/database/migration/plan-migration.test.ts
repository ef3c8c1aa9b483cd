import { sql } from 'kysely'
import { describe, expect, inject, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { underMigrationLock } from '../../../src/database/migration/migration-lock.ts'
import { migrationEngine } from '../../../src/database/migration/engine.ts'
import { openForReading } from '../../../src/database/migration/open-for-reading.ts'
import { planMigration, type MigrationPlan } from '../../../src/database/migration/plan-migration.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { describeEachDatabase, describePostgres, type TestDatabase } from '../../support/databases.ts'
import { destructive } from '../../support/destructive-migrations.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'

const common = { clock: systemClock, toolVersion: 'test' }

/** A dry run from outside, as the command does it. */
async function plan(database: Pick<TestDatabase, 'url' | 'schema'>, wanted: readonly Migration[], to?: string) {
  const { url, schema } = database
  const reading = await openForReading(url, { clock: systemClock, random: seededRandom(1), schema })
  try {
    const options = { ...common, migrations: wanted, openScratch: reading.openScratch }
    return await planMigration(reading.database, to === undefined ? options : { ...options, to })
  } finally {
    await reading.close()
  }
}

function namesOf({ steps }: MigrationPlan): readonly string[] {
  return steps.map(({ name }) => name)
}

/** The ledger's row differs in its two open values only. */
function withoutValues(statement: string): string {
  return statement.replace(/ values .*/, '')
}

describeEachDatabase('a dry run', (open) => {
  it('prints exactly the statements that the run sends', async () => {
    const database = await open({ migrate: false })
    const planned = await plan(database, migrations)
    expect(planned).toMatchObject({ problems: [], remaining: 0, validation: 'executed' })
    const { steps } = await migrate(database, { ...common, migrations })
    const sent = steps.flatMap(({ statements }) => statements.map(withoutValues))
    expect(planned.steps.flatMap(({ statements }) => statements.map(withoutValues))).toEqual(sent)
  })

  it('says what each migration creates and why', async () => {
    const planned = await plan(await open({ migrate: false }), [createNotes])
    expect(planned.steps[0]).toMatchObject({
      name: '9000-create-notes',
      reason: 'a fixture with rows',
      outcome: 'applied',
      creates: ['table notes', 'index notes_body'],
    })
    expect(planned.steps[0]?.statements.at(-1)).toMatch(
      /values \(1, '9000-create-notes', '[0-9a-f]{64}', 'applied', <duration_ms>, 'test', <now_ms>\)$/,
    )
  })

  it('has nothing to show on a migrated database', async () => {
    expect(await plan(await open(), migrations)).toMatchObject({ steps: [], remaining: 0, problems: [] })
  })

  it('stops at --to', async () => {
    const planned = await plan(await open({ migrate: false }), migrations, '0003')
    expect(namesOf(planned)).toEqual(['0001-provider-config', '0002-provider-health', '0003-orchestrator-config'])
    expect(planned.remaining).toBe(migrations.length - 3)
  })

  it('shows what is adopted without executing anything', async () => {
    const database = await open({ migrate: false })
    await migrate(database, { ...common, migrations: [createNotes] })
    await database.db.schema.dropTable('orch_migrations').execute()
    const { steps } = await plan(database, [createNotes])
    expect(steps[0]).toMatchObject({ outcome: 'adopted', creates: [] })
  })

  it('checks additions against what exists', async () => {
    const database = await open({ migrate: false })
    await migrate(database, { ...common, migrations: [createNotes] })
    const more = noteMigration((db) => db.schema.alterTable('notes').addColumn('more', 'bigint').execute())
    expect(await plan(database, [createNotes, more])).toMatchObject({ validation: 'executed', problems: [] })
  })

  const faults: Readonly<Record<string, Migration['up']>> = {
    'an index on a column that is not there': (db) =>
      db.schema.createIndex('notes_x').on('notes').column('nowhere').execute(),
    'the same column twice': (db) =>
      db.schema.createTable('notes').addColumn('a', 'text').addColumn('a', 'text').execute(),
    'a key of unknown columns': (db) =>
      db.schema
        .createTable('notes')
        .addColumn('a', 'text')
        .addPrimaryKeyConstraint('k', ['b' as never])
        .execute(),
    'a column of a table that is not there': (db) => db.schema.alterTable('notes').addColumn('a', 'text').execute(),
  }

  it.each(Object.keys(faults))('finds what cannot be executed: %s', async (name) => {
    const faulty = noteMigration(faults[name] ?? (async () => {}))
    const run = plan(await open({ migrate: false }), [faulty])
    await expect(run).rejects.toMatchObject({ code: 'ORCH_DATABASE_FAILED' })
    await expect(run).rejects.toThrow('9001-notes failed at statement')
  })

  it('lists every problem of a database that drifted or is newer', async () => {
    const database = await open({ migrate: false })
    await migrate(database, { ...common, migrations: [createNotes] })
    await database.db.schema.alterTable('notes').addColumn('a', 'text').execute()
    const other = noteMigration((db) => db.schema.alterTable('notes').addColumn('a', 'bigint').execute())
    const { problems } = await plan(database, [other])
    expect(problems).toEqual([
      'column notes.a is text, not bigint',
      '9000-create-notes is in the ledger and unknown to this orch: the database is newer',
    ])
  })

  it('does not wait for a migration that runs', async () => {
    const database = await open({ migrate: false })
    const engine = await migrationEngine(database.dialect)
    const planned = await underMigrationLock(database, { engine, clock: systemClock, timeoutMs: 0 }, () =>
      plan(database, [createNotes]),
    )
    expect(namesOf(planned)).toEqual(['9000-create-notes'])
  })
})

describe('a dry run of anything but an addition', () => {
  it.each(Object.keys(destructive))('refuses: %s', async (name) => {
    const migration = noteMigration(destructive[name] ?? (async () => {}))
    // Refused before the database is looked at: a file that does not exist will do.
    const database = { url: '/nonexistent/orch.db', schema: undefined }
    await expect(plan(database, [createNotes, migration])).rejects.toMatchObject({ code: 'ORCH_MIGRATION_REFUSED' })
  })
})

describePostgres('a dry run', (open) => {
  const catalogOf = async ({ db }: TestDatabase) => {
    const { rows } = await sql<{ line: string }>`
      select n.nspname || '.' || c.relname || ' ' || c.relfilenode || ' ' || c.relnatts as line
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname like 'orch_dry_run%' or n.nspname = current_schema() order by 1`.execute(db)
    const { rows: namespaces } = await sql<{ name: string }>`
      select nspname as name from pg_namespace where nspname like 'orch_dry_run%' order by 1`.execute(db)
    return [...rows.map(({ line }) => line), ...namespaces.map(({ name }) => name)]
  }

  it('leaves the catalog and the rows as they are', async () => {
    const database = await open()
    await database.db.insertInto('orchestrator_config').values({ key: 'a', value: '1', updated_at: 1 }).execute()
    const before = await catalogOf(database)
    const more = noteMigration((db) => db.schema.alterTable('jobs').addColumn('more', 'text').execute(), {
      table: 'jobs',
    })
    const planned = await plan(database, [...migrations, createNotes, more])
    expect(planned).toMatchObject({ validation: 'executed', problems: [] })
    expect(namesOf(planned)).toEqual(['9000-create-notes', '9001-notes'])
    expect(await catalogOf(database)).toEqual(before)
    const { count } = await database.db
      .selectFrom('orchestrator_config')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe(1)
  })

  it('does not even create the schema', async () => {
    const database = await open({ migrate: false })
    const { steps } = await plan(database, migrations)
    expect(steps[0]?.statements[0]).toBe(`create schema "${database.schema}"`)
    expect((await catalogOf(database)).length).toBe(0)
  })

  it('needs only the right to read', async () => {
    const database = await open()
    const role = `reader_of_${database.schema}`
    await sql`create role ${sql.id(role)} login`.execute(database.db)
    await sql`grant usage on schema ${sql.id(database.schema ?? '')} to ${sql.id(role)}`.execute(database.db)
    await sql`grant select on all tables in schema ${sql.id(database.schema ?? '')} to ${sql.id(role)}`.execute(
      database.db,
    )
    const url = new URL(inject('postgresUrl'))
    url.username = role
    try {
      const planned = await plan({ url: url.toString(), schema: database.schema }, [...migrations, createNotes])
      expect([planned.validation, ...namesOf(planned)]).toEqual(['compiled', '9000-create-notes'])
    } finally {
      await sql`drop owned by ${sql.id(role)}`.execute(database.db)
      await sql`drop role ${sql.id(role)}`.execute(database.db)
    }
  })

  it('does not wait for a table that somebody holds', async () => {
    const database = await open()
    const more = noteMigration((db) => db.schema.alterTable('roles').addColumn('more', 'text').execute(), {
      table: 'roles',
    })
    const planned = await database.write(async (trx) => {
      await sql`lock table roles in access exclusive mode`.execute(trx)
      return plan(database, [...migrations, more])
    })
    expect([planned.validation, ...namesOf(planned)]).toEqual(['compiled', '9001-notes'])
  })

  it('keeps the options of an address beside its own', async () => {
    const { url, schema } = await open()
    const given = `${url}?options=-c%20statement_timeout%3D77s`
    const { db } = await openDatabase(given, { clock: systemClock, random: seededRandom(1), schema, connections: 1 })
    const { rows } = await sql<{ path: string; timeout: string }>`
      select current_setting('search_path') as path, current_setting('statement_timeout') as timeout`.execute(db)
    await db.destroy()
    expect(rows).toEqual([{ path: schema, timeout: '77s' }])
  })
})
