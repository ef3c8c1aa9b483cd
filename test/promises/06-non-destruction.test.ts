/**
 * Promise 6: no migration drops, renames, narrows, deletes or rewrites; no flag turns that off; inside the
 * transaction orch proves that no existing row or table was touched.
 */
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { command } from '../../src/cli/commands/db/migrate.ts'
import type { Database } from '../../src/database/connection.ts'
import { migrationEngine } from '../../src/database/migration/engine.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { losses, type Inventory } from '../../src/database/migration/survival.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { destructive } from '../support/destructive-migrations.ts'
import { createNotes, noteMigration } from '../support/migration-fixtures.ts'

const options = { clock: systemClock, toolVersion: 'test' }

/** Without what the transaction that looks has written: nothing. */
async function inventory(database: Database): Promise<Inventory> {
  const engine = await migrationEngine(database.dialect)
  return { ...(await database.write((trx) => engine.takeInventory(trx))), written: new Map() }
}

describeEachDatabase('a database with rows', (open) => {
  it('is refused to every destructive migration, and is as it was', async () => {
    const database = await open({ migrate: false })
    await migrate(database, { ...options, migrations: [createNotes] })
    await sql`insert into notes (id, body) values ('a', 'kept'), ('b', 'kept')`.execute(database.db)
    const before = await inventory(database)
    const refused: string[] = []
    for (const [name, up] of Object.entries(destructive)) {
      await migrate(database, { ...options, migrations: [createNotes, noteMigration(up)] }).catch(
        (error: { readonly code?: string }) => error.code === 'ORCH_MIGRATION_REFUSED' && refused.push(name),
      )
    }
    expect(refused).toEqual(Object.keys(destructive))
    expect(losses(before, await inventory(database))).toEqual([])
    const { rows } = await sql`select id, body from notes order by id`.execute(database.db)
    expect(rows).toEqual([
      { id: 'a', body: 'kept' },
      { id: 'b', body: 'kept' },
    ])
  })

  it('keeps a stranger’s tables beside orch’s own', async () => {
    const database = await open({ migrate: false })
    if (database.schema !== undefined) await database.db.schema.createSchema(database.schema).execute()
    await sql`create table customers (id integer primary key, name text)`.execute(database.db)
    await sql`insert into customers (id, name) values (1, 'Ada')`.execute(database.db)
    const before = await inventory(database)
    await migrate(database, { ...options, migrations })
    const recorded = new Map([['orch_migrations', migrations.length]])
    expect(losses(before, await inventory(database), recorded)).toEqual([])
    expect((await sql`select name from customers`.execute(database.db)).rows).toEqual([{ name: 'Ada' }])
  })

  it('keeps its rows when a table of the past comes back without its ledger', async () => {
    const database = await open()
    await database.db.insertInto('orchestrator_config').values({ key: 'a', value: '1', updated_at: 1 }).execute()
    await database.db.schema.dropTable('orch_migrations').execute()
    const { steps } = await migrate(database, { ...options, migrations })
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(['adopted']))
    expect(await database.db.selectFrom('orchestrator_config').select('value').execute()).toEqual([{ value: '1' }])
  })
})

describe('the command line', () => {
  it('has no flag that would let a destructive migration through', async () => {
    const program = await buildProgram({ version: '0', dispatch: async () => {}, words: ['db', 'migrate'] })
    const verb = program.commands.find((noun) => noun.name() === 'db')?.commands.find((one) => one.name() === 'migrate')
    const flags = verb?.options.map(({ long }) => long) ?? []
    expect(command.summary).toContain('never changes what exists')
    expect(flags.filter((flag) => /force|destr|unsafe|allow|skip|drop|down/.test(flag ?? ''))).toEqual([])
    expect(flags).toContain('--dry-run')
  })
})
