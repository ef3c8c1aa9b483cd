import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { TableName } from '../../src/database/tables.ts'
import { withoutTable } from '../../src/doctor/missing-table.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { storeRows, type ProjectRows } from '../support/job-rows.ts'
import { documentOf, runOrch, runOrchDone } from '../support/run-orch.ts'
import { aRun, pendingWork, aScheduler } from '../support/scheduling.ts'

interface Wait {
  readonly name: string
  readonly short: string
}

interface Document {
  readonly starts: readonly {
    readonly key: string
    readonly afterMs: number
    readonly reason: { readonly text: string }
    readonly waits: readonly Wait[]
  }[]
  readonly stuck: readonly { readonly key: string; readonly waits: readonly Wait[] }[]
  readonly running: readonly { readonly key: string }[]
}

/** A project whose workspace is there, as the command judges it. */
async function openWith(database: TestDatabase, rows: ProjectRows) {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.orch'))
  writeFileSync(join(cwd, '.orch', 'workspace.json'), '{}')
  await runOrchDone(['db', 'trust', '--db', database.url], { cwd, env: database.env })
  await storeRows(database, { ...rows, project: { workspace: cwd, ...rows.project } })
  const orch = (...argv: string[]) => runOrch([...argv, '--db', database.url], { cwd, env: database.env })
  const forecast = async (...argv: string[]) =>
    documentOf<Document>(await orch('jobs', 'run', '--dry-run', '--json', ...argv)).data
  return { orch, forecast }
}

const command = { executor: 'command' as const, role: null, run: ['true'] as const }

describeEachDatabase('orch jobs run --dry-run', (open) => {
  it('names the order and the reason of each start and wait', async () => {
    const database = await open()
    const { forecast, orch } = await openWith(database, {
      jobs: [
        { key: 'urgent', ...command, priority: 'high' },
        { key: 'chain', ...command },
        { key: 'after', ...command, dependsOn: ['chain'] },
        { key: 'free', ...command },
        { key: 'held', ...command },
        { key: 'behind', ...command, dependsOn: ['held'] },
        { key: 'later', ...command },
      ],
      rows: {
        held: { hold: 'person', hold_reason: 'wait for review' },
        later: { run_at: (await database.now()) + 3_600_000 },
      },
    })
    const { starts, stuck } = await forecast('--concurrency', '2')
    expect(starts[0]?.key).toBe('urgent')
    expect(starts.at(-1)?.key).toBe('later')
    const found = Object.fromEntries(
      starts.map(({ key, reason, waits }) => [key, [reason.text, ...waits.map(({ name }) => name)]]),
    )
    expect(found).toEqual({
      urgent: ['priority high'],
      chain: ['longest remaining path 2'],
      free: ['ready longest', 'places'],
      after: ['nothing else may start', 'dependencies'],
      later: ['nothing else may start', 'backoff'],
    })
    expect(stuck.map(({ key, waits }) => [key, waits[0]?.name])).toEqual([
      ['behind', 'dependencies'],
      ['held', 'held'],
    ])
    const { stdout } = await orch('jobs', 'run', '--dry-run', '--concurrency', '2')
    expect(stdout).toMatch(/1 +at once +sample\/urgent +priority high/)
    expect(stdout).toMatch(/Would not start:[^]*sample\/held +held +orch jobs release sample\/held/)
  })

  it('foresees locks and limits, those of jobs that run elsewhere too', async () => {
    const database = await open()
    const { forecast, orch } = await openWith(database, {
      jobs: [
        { key: 'a', ...command, locks: ['port'] },
        { key: 'b', ...command, locks: ['port'] },
        { key: 'c', ...command, role: 'writer' },
        { key: 'd', ...command, role: 'writer' },
        { key: 'e', ...command },
      ],
    })
    expect(await orch('config', 'set', 'limits.roles', 'writer=1')).toMatchObject({ exitCode: 0 })
    const { scheduler } = aScheduler(database, {
      deps: { execute: pendingWork().execute },
      options: { concurrency: 1 },
    })
    await scheduler.tick()
    const { starts, running } = await forecast('--concurrency', '4')
    expect(running.map(({ key }) => key)).toEqual(['a'])
    const waits = Object.fromEntries(starts.map((start) => [start.key, start.waits.map(({ short }) => short)]))
    expect(waits).toEqual({ c: [], e: [], b: ['lock held by sample/a'], d: ['limit of role writer'] })
    expect(starts.filter(({ afterMs }) => afterMs === 0).map(({ key }) => key)).toEqual(['c', 'e'])
  })

  it('starts in the order in which a run then really starts', async () => {
    const database = await open()
    const jobs = Array.from({ length: 24 }, (_, index) => ({
      key: `j${String(index).padStart(2, '0')}`,
      ...command,
      priority: (['low', 'medium', 'high'] as const)[index % 3] ?? 'low',
      locks: index % 4 === 0 ? ['port'] : [],
      dependsOn: index < 6 ? [] : [`j${String((index * 7) % 6).padStart(2, '0')}`],
    }))
    const { forecast } = await openWith(database, { jobs })
    const { starts } = await forecast('--concurrency', '1')
    const really: string[] = []
    const { run } = aRun(database, {
      deps: {
        execute: async ({ job }) => {
          really.push(job.key)
          return {
            kind: 'completed',
            result: { summary: '', files: [], claims: [], reply: null },
            evidence: [],
            rehearsed: false,
          }
        },
      },
      options: { concurrency: 1, maxWaitMs: 0 },
    })
    await run.run()
    expect(starts.map(({ key }) => key)).toEqual(really)
  })

  it('writes nothing and asks no model', async () => {
    const server = await startFakeModelServer()
    onTestFinished(() => server.close())
    const database = await open()
    const { orch } = await openWith(database, {
      jobs: [
        { key: 'a', model: 'fake/fake-model', role: 'writer' },
        { key: 'b', dependsOn: ['a'] },
      ],
      project: { budget_micro_usd: 0 },
    })
    await orch('providers', 'add', 'fake', '--kind', 'openai-compatible', '--base-url', `${server.url}/v1`)
    const asked = server.requests.length
    const before = await fingerprint(database)
    expect(await orch('jobs', 'run', '--dry-run')).toMatchObject({ exitCode: 0 })
    expect(await orch('jobs', 'why', 'sample/a')).toMatchObject({ exitCode: 0 })
    expect(await fingerprint(database)).toEqual(before)
    expect(server.requests.length).toBe(asked)
  })

  it('without the tables says so and shows nothing', async () => {
    const database = await open()
    const { orch } = await openWith(database, { jobs: [{ key: 'a' }] })
    await database.db.schema.dropTable('job_dependencies').execute()
    const result = await orch('jobs', 'run', '--dry-run', '--json')
    expect(result).toMatchObject({ exitCode: 0 })
    expect(documentOf<Document>(result)).toMatchObject({ data: { starts: [], stuck: [] } })
    expect(result.stdout).toMatch(/job_dependencies.*orch db migrate/)
  })
})

/** Every row of every table, and on a file its bytes. */
async function fingerprint(database: TestDatabase): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const hash = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
  for (const table of Object.keys(withoutTable) as TableName[]) {
    found[table] = hash(JSON.stringify(await database.db.selectFrom(table).selectAll().execute()))
  }
  for (const path of [database.url, `${database.url}-wal`]) if (existsSync(path)) found[path] = hash(readFileSync(path))
  return found
}
