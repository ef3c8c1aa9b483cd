import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../support/databases.ts'
import { statesByKey, storeRows } from '../../support/job-rows.ts'
import { runOrch, type OrchResult } from '../../support/run-orch.ts'

let workspace: string

beforeEach(() => {
  workspace = temporaryDirectory()
  mkdirSync(join(workspace, '.orch'))
  writeFileSync(join(workspace, '.orch', 'workspace.json'), '{"version":1,"id":"test"}\n')
})

async function orchAt(database: TestDatabase, argv: readonly string[], signal?: AbortSignal): Promise<OrchResult> {
  const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
  await runOrch(['db', 'trust', '--db', database.url, '--yes'], { cwd: workspace, env })
  return runOrch([...argv, '--db', database.url], { cwd: workspace, env, signal })
}

const write = (key: string, file: string) => ({
  key,
  executor: 'command' as const,
  writes: [file],
  role: null,
  run: ['node', '-e', `require('fs').appendFileSync('${file}', '${key}\\n')`] as const,
})

function eventsOf(result: OrchResult): string[] {
  return result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { data: { event: string; job?: string; rehearsal: boolean } })
    .map(({ data }) => `${data.event}${data.job === undefined ? '' : ` ${data.job}`}`)
}

describeEachDatabase('orch jobs run', (open) => {
  it('runs commands in order, in the workspace, and ends when there is nothing left', async () => {
    const database = await open()
    const jobs = [write('a', 'out.txt'), { ...write('b', 'out.txt'), dependsOn: ['a'] }]
    await storeRows(database, { jobs, project: { workspace } })
    const result = await orchAt(database, ['jobs', 'run', '--until-idle', '--json'])
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    expect(eventsOf(result)).toEqual([
      'started sample/a',
      'ended sample/a',
      'started sample/b',
      'ended sample/b',
      'finished',
    ])
    expect(readFileSync(join(workspace, 'out.txt'), 'utf8')).toBe('a\nb\n')
  })

  it('exits 20 after a failure and shows its reason as a line', async () => {
    const database = await open()
    const jobs = [{ ...write('a', 'x'), run: ['node', '-e', 'process.exit(3)'] as const, maxTries: 1 }]
    await storeRows(database, { jobs, project: { workspace } })
    const result = await orchAt(database, ['jobs', 'run', '--until-idle'])
    expect(result.exitCode).toBe(20)
    expect(result.stdout).toMatch(/failed\s+sample\/a after .*exit/)
  })

  it.each([
    ['not approved', { approved_hash: null }, {}],
    ['held', {}, { a: { hold: 'person' as const } }],
    ['far in the future', {}, { a: { run_at: 9e12 } }],
  ])('exits 21 when what is left is %s', async (_why, project, rows) => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }], project: { workspace, ...project }, rows })
    expect(await orchAt(database, ['jobs', 'run', '--until-idle'])).toMatchObject({ exitCode: 21 })
  })

  it('starts nothing in a database that nobody trusts here', async () => {
    const database = await open()
    await storeRows(database, { jobs: [write('a', 'out.txt')], project: { workspace } })
    const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
    const result = await runOrch(['jobs', 'run', '--until-idle', '--db', database.url], { cwd: workspace, env })
    expect(result.exitCode).toBe(21)
    expect(result.stderr).toContain('orch db trust')
    expect(await statesByKey(database)).toEqual({ a: 'ready' })
  })

  it('drains on a signal and exits 130', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }], project: { workspace }, rows: { a: { hold: 'person' } } })
    const stop = new AbortController()
    const running = orchAt(database, ['jobs', 'run'], stop.signal)
    const isRunning = () => database.db.selectFrom('scheduler_instances').select('id').executeTakeFirst()
    await vi.waitFor(async () => expect(await isRunning()).toBeDefined(), { timeout: 20_000, interval: 10 })
    stop.abort()
    const result = await running
    expect(result.exitCode).toBe(130)
    expect(result.stdout).toContain('draining')
  })

  it('rehearses on a scratch copy: no command runs, no row changes, and every line says so', async () => {
    const database = await open()
    const jobs = [write('a', 'out.txt'), { ...write('b', 'out.txt'), dependsOn: ['a'] }]
    await storeRows(database, { jobs, project: { workspace, status: 'draft', approved_hash: null } })
    const before = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
    const result = await orchAt(database, ['jobs', 'run', '--rehearse', '--latency', '1ms'])
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toContain('rehearsal')
    expect(
      result.stdout
        .trim()
        .split('\n')
        .every((line) => line.startsWith('[rehearsal]')),
    ).toBe(true)
    expect(await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()).toEqual(before)
    expect(await database.db.selectFrom('job_events').selectAll().execute()).toEqual([])
    expect(() => readFileSync(join(workspace, 'out.txt'))).toThrow(/ENOENT/)
  })

  it('rehearses the same failures with the same seed', async () => {
    const database = await open()
    const jobs = Array.from({ length: 8 }, (_, index) => write(`j${index}`, 'x'))
    await storeRows(database, { jobs: jobs.map((job) => ({ ...job, maxTries: 1 })), project: { workspace } })
    const argv = ['jobs', 'run', '--rehearse', '--latency', '0', '--failure-rate', '0.5', '--seed', '4']
    const failures = async () => {
      const { stdout, exitCode } = await orchAt(database, argv)
      return { exitCode, failed: Array.from(stdout.matchAll(/failed\s+(\S+)/g), ([, name]) => String(name)).toSorted() }
    }
    const first = await failures()
    expect(first.exitCode).toBe(20)
    expect(first.failed.length).toBeGreaterThan(0)
    expect(first.failed.length).toBeLessThan(8)
    expect(await failures()).toEqual(first)
  })
})

describe('orch jobs run', () => {
  it('without tables ends at once with exit 10 and names the next command', async () => {
    const result = await runOrch(['jobs', 'run', '--until-idle'], { cwd: temporaryDirectory() })
    expect(result.exitCode).toBe(10)
    expect(result.stdout).toContain('orch db migrate')
  })

  it.each([
    ['--concurrency', '0'],
    ['--max-wait', 'soon'],
    ['--failure-rate', '2'],
  ])('refuses %s %s, naming the flag', async (flag, value) => {
    const result = await runOrch(['jobs', 'run', flag, value], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain(flag)
  })
})
