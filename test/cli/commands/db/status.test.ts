import { readdirSync } from 'node:fs'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../../../migrations/index.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../../support/databases.ts'
import { runOrch } from '../../../support/run-orch.ts'

interface StatusDocument {
  readonly data: {
    readonly migrations: readonly { readonly name: string; readonly table: string; readonly state: string }[]
  }
}

async function statesOf({ env }: TestDatabase) {
  const result = await runOrch(['db', 'status', '--json'], { cwd: temporaryDirectory(), env })
  const { data } = JSON.parse(result.stdout) as StatusDocument
  return { exitCode: result.exitCode, states: new Map(data.migrations.map(({ name, state }) => [name, state])) }
}

describeEachDatabase('orch db status', (open) => {
  it('tells pending from applied', async () => {
    const { exitCode, states } = await statesOf(await open({ migrate: false }))
    expect([exitCode, ...new Set(states.values())]).toEqual([0, 'pending'])
    const migrated = await statesOf(await open())
    expect([migrated.exitCode, ...new Set(migrated.states.values())]).toEqual([0, 'applied'])
    expect([...migrated.states.keys()]).toEqual(migrations.map(({ name }) => name))
  })

  it('tells a table that is gone, and exits 0: db migrate brings it back', async () => {
    const database = await open()
    await database.db.schema.dropTable('roles').execute()
    const { exitCode, states } = await statesOf(database)
    expect([exitCode, states.get('0007-roles'), states.get('0008-jobs')]).toEqual([0, 'missing', 'applied'])
  })

  it('is one of the commands that a newer database leaves; what writes exits 12', async () => {
    const database = await open()
    const row = { sequence: 99, name: '0999-later', checksum: 'x', outcome: 'applied' as const }
    await database.db
      .insertInto('orch_migrations')
      .values({ ...row, duration_ms: 1, tool_version: '9', applied_at: 1 })
      .execute()
    const exitOf = async (...argv: string[]) => {
      const { exitCode } = await runOrch(argv, { cwd: temporaryDirectory(), env: database.env })
      return exitCode
    }
    expect([await exitOf('jobs', 'list'), await exitOf('project', 'list')]).toEqual([0, 0])
    expect([await exitOf('jobs', 'run', '--until-idle'), await exitOf('db', 'migrate')]).toEqual([12, 12])
  })

  it('exits 12 for a column of another type and for an unknown migration', async () => {
    const database = await open()
    await sql`alter table roles drop column reports_to`.execute(database.db)
    const row = { sequence: 99, name: '0999-later', checksum: 'x', outcome: 'applied' as const }
    await database.db
      .insertInto('orch_migrations')
      .values({ ...row, duration_ms: 1, tool_version: '9', applied_at: 1 })
      .execute()
    const { exitCode, states } = await statesOf(database)
    expect([exitCode, states.get('0007-roles'), states.get('0999-later')]).toEqual([12, 'drifted', 'unknown'])
  })
})

it('orch db status without a database shows everything as pending and creates nothing', async () => {
  const cwd = temporaryDirectory()
  const { exitCode, stdout } = await runOrch(['db', 'status'], { cwd })
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`${migrations.length} pending`)
  expect(stdout).toContain('orch db migrate')
  expect(readdirSync(cwd).filter((name) => name !== '.home')).toEqual([])
})
