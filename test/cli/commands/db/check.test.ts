import { openSync, readFileSync, readdirSync, writeSync, closeSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../../../migrations/index.ts'
import { relations } from '../../../../src/database/queries/orphans.ts'
import {
  describeEachDatabase,
  describePostgres,
  describeSqlite,
  temporaryDirectory,
  type TestDatabase,
} from '../../../support/databases.ts'
import { storeRows } from '../../../support/job-rows.ts'
import { documentOf, runOrch } from '../../../support/run-orch.ts'

interface CheckDocument {
  readonly findings: readonly { readonly kind: string; readonly subject: string; readonly count: number }[]
  readonly relationsChecked: number
  readonly exitCode: number
}

/** Exit code, `kind subject` of every finding, and the number of relations that were compared. */
async function check({ env }: Pick<TestDatabase, 'env'>) {
  const result = await runOrch(['db', 'check', '--json'], { cwd: temporaryDirectory(), env })
  const { data } = documentOf<CheckDocument>(result)
  expect(data.exitCode).toBe(result.exitCode)
  const found = data.findings.map(({ kind, subject, count }) => `${kind} ${subject}${count === 1 ? '' : ` x${count}`}`)
  return { exitCode: result.exitCode, found, relations: data.relationsChecked }
}

async function record({ db }: TestDatabase, name: string): Promise<void> {
  const row = { sequence: 99, name, checksum: 'x', outcome: 'applied' as const }
  await db
    .insertInto('orch_migrations')
    .values({ ...row, duration_ms: 1, tool_version: '9', applied_at: 1 })
    .execute()
}

describeEachDatabase('orch db check', (open) => {
  it('finds nothing in a migrated database whose rows hold together', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    expect(await check(database)).toEqual({ exitCode: 0, found: [], relations: relations.length })
  })

  it('exits 10 for what is pending', async () => {
    const { exitCode, found } = await check(await open({ migrate: false }))
    const pending = ['table orch_migrations', ...migrations.map(({ name }) => name)]
    expect([exitCode, found]).toEqual([10, pending.map((subject) => `pending ${subject}`)])
  })

  it('exits 12 and names what is gone, edited, of another shape, removed from orch, or newer than it', async () => {
    const database = await open()
    await database.db.schema.dropTable('job_locks').execute()
    await database.db.updateTable('orch_migrations').set({ checksum: 'x' }).where('sequence', '=', 1).execute()
    await sql`alter table roles drop column reports_to`.execute(database.db)
    await record(database, '0003-removed')
    expect(await check(database)).toEqual({
      exitCode: 12,
      found: [
        'edited 0001-provider-config',
        'conflict table roles',
        'missing table job_locks',
        ...(migrations.find(({ table }) => table === 'job_locks')?.indexes ?? []).map(
          (name) => `missing index ${name}`,
        ),
        'unknown 0003-removed',
      ],
      relations: relations.length - 1,
    })
    await database.db.updateTable('orch_migrations').set({ name: '0999-later' }).where('sequence', '=', 99).execute()
    expect((await check(database)).found.at(-1)).toBe('newer 0999-later')
  })

  it('exits 5 for rows that point at nothing, and does not blame the rows of a missing table', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }, { key: 'c', dependsOn: ['a'] }] })
    await database.db.deleteFrom('jobs').where('key', '=', 'a').execute()
    const { exitCode, found } = await check(database)
    expect([exitCode, found]).toEqual([5, ['orphans column job_dependencies.depends_on_id x2']])
    await database.db.schema.dropTable('projects').execute()
    const without = await check(database)
    expect(without.found.filter((finding) => finding.startsWith('orphans'))).toEqual(found)
  })
})

describePostgres('orch db check', (open) => {
  it('exits 13 for an index whose build failed', async () => {
    const database = await open()
    await sql`create table notes (body text)`.execute(database.db)
    await sql`insert into notes values ('x'), ('x')`.execute(database.db)
    await expect(
      sql`create unique index concurrently notes_body on notes (body)`.execute(database.db),
    ).rejects.toThrow()
    expect(await check(database)).toMatchObject({ exitCode: 13, found: ['invalid_index index notes_body'] })
  })

  it('names who migrates, and does not wait for it', async () => {
    const database = await open()
    const env = database.env
    const { migrationEngine } = await import('../../../../src/database/migration/engine.ts')
    const engine = await migrationEngine(database.dialect)
    await database.db.transaction().execute(async (trx) => {
      expect(await engine.tryLock(trx)).toBe(true)
      for (const verb of ['check', 'status']) {
        const { exitCode, stdout } = await runOrch(['db', verb], { cwd: temporaryDirectory(), env })
        expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/migrated at this moment by server process \d+/)])
      }
    })
  })
})

describeSqlite('orch db check', (open) => {
  it('exits 6 for a damaged page, and changes no byte', async () => {
    const database = await open()
    await storeRows(database, { jobs: Array.from({ length: 200 }, (_, index) => ({ key: `job-${index}` })) })
    await database.close()
    const pages = Math.floor(statSync(database.url).size / 4096)
    const file = openSync(database.url, 'r+')
    writeSync(file, Buffer.alloc(4096, 7), 0, 4096, (pages - 3) * 4096)
    closeSync(file)
    const before = readFileSync(database.url)
    const { exitCode, found } = await check(database)
    expect([exitCode, found[0]]).toEqual([6, 'damaged file'])
    expect(readFileSync(database.url).equals(before)).toBe(true)
    expect(readdirSync(dirname(database.url))).toEqual(['orch.db'])
  })

  it('reads while another program keeps the file locked', async () => {
    const database = await open()
    const writer = new SqliteFile(database.url)
    writer.exec('begin immediate')
    expect((await check(database)).exitCode).toBe(0)
    writer.close()
  })
})
