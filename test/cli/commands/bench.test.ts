import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { isServerUrl } from '../../../src/database/connection.ts'
import type { TableName } from '../../../src/database/tables.ts'
import { scratchName } from '../../../src/scheduling/scratch-name.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../support/databases.ts'
import { storeRows } from '../../support/job-rows.ts'
import { runOrch } from '../../support/run-orch.ts'

/** Of every row of every table of the real database. */
async function hashOf({ db, dialect }: TestDatabase): Promise<string> {
  const hash = createHash('sha256')
  for (const table of [...(await dialect.shape(db)).keys()].toSorted() as TableName[]) {
    const rows = (await db.selectFrom(table).selectAll().execute()).map((row) => JSON.stringify(row))
    hash.update(`${table}\n${rows.toSorted().join('\n')}\n`)
  }
  return hash.digest('hex')
}

async function areasBeside({ db, url }: TestDatabase): Promise<readonly string[]> {
  if (!isServerUrl(url)) return readdirSync(dirname(url)).filter((name) => name.startsWith('orch_bench_'))
  const { rows } = await sql<{ name: string }>`select schema_name as name from information_schema.schemata`.execute(db)
  return rows.map(({ name }) => name).filter((name) => name.startsWith('orch_bench_'))
}

describeEachDatabase('orch bench', (open) => {
  it('measures beside the real rows, touches none of them, and leaves nothing', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const before = await hashOf(database)
    const result = await runOrch(['bench', '--jobs', '6', '--concurrency', '3', '--json'], {
      cwd: temporaryDirectory(),
      env: database.env,
    })
    expect(result.exitCode).toBe(0)
    const { data } = JSON.parse(result.stdout) as { data: Record<string, unknown> }
    expect(data).toMatchObject({
      engine: database.dialect.label,
      jobs: 6,
      concurrency: 3,
      seed: 1,
      claimMs: { samples: 6 },
      startMs: { samples: 6 },
    })
    expect(data['jobsPerSecond']).toBeGreaterThan(0)
    expect(await hashOf(database)).toBe(before)
    const area = String(data['area']).split('/').at(-1)
    expect(await areasBeside(database)).not.toContain(area)
  })

  it('cleans up after an interruption, and after one that was killed', async () => {
    const database = await open()
    const { pid } = spawnSync(process.execPath, ['-e', '0'])
    const dead = scratchName('bench', Date.now(), 0.5).replace(`_${process.pid.toString(36)}_`, `_${pid.toString(36)}_`)
    if (isServerUrl(database.url)) await sql`create schema ${sql.id(dead)}`.execute(database.db)
    else mkdirSync(join(dirname(database.url), dead))
    const controller = new AbortController()
    const running = runOrch(['bench', '--jobs', '2000'], {
      cwd: temporaryDirectory(),
      env: database.env,
      signal: controller.signal,
    })
    setTimeout(() => controller.abort('SIGINT'), 1500)
    expect((await running).exitCode).toBe(130)
    const own = new RegExp(`_${process.pid.toString(36)}_`)
    const left = await areasBeside(database)
    expect(left.filter((name) => own.test(name) || name === dead)).toEqual([])
  })

  it('says what it takes', async () => {
    const { env } = await open()
    const cwd = temporaryDirectory()
    expect(await runOrch(['bench', '--jobs', '0'], { cwd, env })).toMatchObject({ exitCode: 2 })
    expect(await runOrch(['bench', '--concurrency', 'many'], { cwd, env })).toMatchObject({ exitCode: 2 })
  })
})
