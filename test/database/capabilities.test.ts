import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { Capabilities } from '../../src/database/capabilities.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { describeEachDatabase } from '../support/databases.ts'

describeEachDatabase('capabilities', (open) => {
  it('have every table of a migrated database', async () => {
    const database = await open()
    const tables = new Capabilities(database, migrations)
    expect(await tables.missing(['jobs', 'projects', 'model_usage'])).toEqual([])
    await tables.require(['jobs'], 'jobs run')
  })

  it('miss every table of an empty database and name the command that helps', async () => {
    const tables = new Capabilities(await open({ migrate: false }), migrations)
    expect(await tables.missing(['projects', 'jobs'])).toEqual(['projects', 'jobs'])
    await expect(tables.require(['jobs', 'attempts'], 'jobs run')).rejects.toMatchObject({
      code: 'ORCH_TABLE_MISSING',
      message: 'jobs run needs the missing tables jobs, attempts',
      hint: expect.stringContaining('orch db migrate'),
    })
  })

  it('notice a table that appears or goes after refresh', async () => {
    const database = await open()
    const tables = new Capabilities(database, migrations)
    expect(await tables.has('roles')).toBe(true)
    const other = await database.connect()
    await other.db.schema.dropTable('roles').execute()
    tables.refresh()
    expect(await tables.has('roles')).toBe(false)
    await migrations.find(({ table }) => table === 'roles')?.up(other.db.withoutPlugins() as never)
    tables.refresh()
    expect(await tables.has('roles')).toBe(true)
  })

  it('count a table without an expected column as missing, and only that table', async () => {
    const database = await open()
    await sql`alter table model_registry drop column ai_data`.execute(database.db)
    const tables = new Capabilities(database, migrations)
    expect(await tables.missing(['model_registry', 'jobs'])).toEqual(['model_registry'])
  })

  it('let a database of a newer orch be read and refuse to write there', async () => {
    const database = await open()
    const row = { sequence: 99, name: '0999-later', checksum: 'x', outcome: 'applied' as const }
    await database.db
      .insertInto('orch_migrations')
      .values({ ...row, duration_ms: 1, tool_version: '9', applied_at: 1 })
      .execute()
    const tables = new Capabilities(database, migrations)
    expect(await tables.newer()).toEqual(['0999-later'])
    await tables.requireToRead(['jobs'], 'jobs list')
    await expect(tables.require(['jobs'], 'Cancelling a job')).rejects.toMatchObject({
      code: 'ORCH_DATABASE_NEWER',
      exitCode: 12,
    })
  })

  it('count a table without an expected index as missing', async () => {
    const database = await open()
    await sql`drop index projects_slug`.execute(database.db)
    const tables = new Capabilities(database, migrations)
    expect(await tables.missing(['projects', 'jobs'])).toEqual(['projects'])
  })
})

it('capabilities notice a new table on SQLite without being told', async () => {
  const database = await openDatabase(':memory:', { clock: systemClock, random: seededRandom(1) })
  const tables = new Capabilities(database, migrations)
  expect(await tables.has('roles')).toBe(false)
  await migrations.find(({ table }) => table === 'roles')?.up(database.db as never)
  expect(await tables.has('roles')).toBe(true)
  await database.close()
})
