import { describe, expect, it } from 'vitest'
import { describeEachDatabase, type TestDatabase } from '../../support/databases.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import { statesByKey, storeRows } from '../../support/job-rows.ts'
import { documentOf, runOrch } from '../../support/run-orch.ts'
import { anEnd, claim, deadEnd, finish } from '../../support/scheduling.ts'

/** `orch ... --json` against a test's database, which counts as trusted. */
function orchAt(database: TestDatabase) {
  const cwd = temporaryDirectory()
  const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
  return async (...argv: string[]) => {
    await runOrch(['db', 'trust', '--db', database.url, '--yes'], { cwd, env })
    return runOrch([...argv, '--db', database.url], { cwd, env })
  }
}

describeEachDatabase('orch jobs', (open) => {
  it('lists jobs with what each waits for', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const orch = orchAt(database)
    const document = documentOf<Record<string, unknown>[]>(await orch('jobs', 'list', '--json'))
    expect(document.data).toMatchObject([
      { name: 'sample/a', state: 'ready' },
      { name: 'sample/b', state: 'blocked', waitsFor: { name: 'dependencies', short: 'after a' } },
    ])
    const text = await orch('jobs', 'list', 'sample', '--state', 'blocked')
    expect(text.stdout).toContain('sample/b')
    expect(text.stdout).not.toContain('sample/a ')
  })

  it.each([
    [
      'held',
      { rows: { a: { hold: 'person' as const, hold_reason: 'wait for review' } } },
      /review.*jobs release sample\/a/s,
    ],
    ['not approved', { project: { approved_hash: null } }, /not approved.*project approve sample/s],
    ['paused', { project: { status: 'paused' as const } }, /paused.*project resume sample/s],
    ['backing off', { rows: { a: { run_at: 9_000_000_000_000 } } }, /waits a while.*until 2255/s],
    ['out of reach', {}, /workspace \/srv\/sample cannot be reached/],
  ])('says why a job is %s and what would unblock it', async (_what, rows, expected) => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }], ...rows })
    expect((await orchAt(database)('jobs', 'why', 'sample/a')).stdout).toMatch(expected)
  })

  it('shows attempts and evidence, and keeps what a model wrote from moving the cursor', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const evidence = [{ id: 'builds', check: 'command' as const, passed: false, found: 'exit 1\u001b[2J' }]
    const failure = { errorClass: 'evidence', message: 'it does not build', evidence }
    await finish(database, await claim(database), { ...deadEnd, failure, evidence })
    const result = await orchAt(database)('jobs', 'show', 'sample/a')
    expect(result.stdout).toContain('sample/a failed: it does not build')
    expect(result.stdout).toContain('builds (command): exit 1')
    expect(result.stdout).not.toContain('\u001b[2J')
  })

  it('retries, holds, releases and cancels, each refusing where it makes no sense', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }, { key: 'c' }] })
    const orch = orchAt(database)
    const claimed = await claim(database)
    await finish(database, claimed.slice(0, 1), deadEnd)
    expect(await statesByKey(database)).toEqual({ a: 'failed', b: 'skipped', c: 'running' })
    expect(await orch('jobs', 'retry', 'sample/c')).toMatchObject({ exitCode: 5 })
    expect((await orch('jobs', 'retry', 'sample/a')).stdout).toContain('1 ready, 1 blocked again')
    expect(await orch('jobs', 'release', 'sample/a')).toMatchObject({ exitCode: 5 })
    expect(await orch('jobs', 'hold', 'sample/a', '--reason', 'later')).toMatchObject({ exitCode: 0 })
    expect(await claim(database)).toEqual([])
    expect(await orch('jobs', 'release', 'sample/a')).toMatchObject({ exitCode: 0 })
    expect((await orch('jobs', 'cancel', 'sample/a')).stdout).toContain('1 jobs behind it are skipped')
    expect(await orch('jobs', 'cancel', 'sample/a')).toMatchObject({ exitCode: 5 })
    expect(await statesByKey(database)).toEqual({ a: 'cancelled', b: 'skipped', c: 'running' })
  })

  it('brings nothing back in a cancelled project, where it would wait for ever', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }] })
    await finish(database, (await claim(database)).slice(0, 1), deadEnd)
    const orch = orchAt(database)
    expect(await orch('project', 'cancel', 'sample', '--yes')).toMatchObject({ exitCode: 0 })
    const before = await statesByKey(database)
    for (const argv of [['sample/a'], ['sample/a', '--continue'], ['--failed', 'sample'], ['--rehearsed', 'sample']]) {
      const refused = await orch('jobs', 'retry', ...argv)
      expect(refused).toMatchObject({ exitCode: 5 })
      expect(refused.stderr).toContain('orch project export sample')
    }
    expect(await statesByKey(database)).toEqual(before)
  })

  it('puts back what a simulated model completed', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    await finish(database, await claim(database), anEnd({ rehearsed: true }))
    expect(await statesByKey(database)).toEqual({ a: 'completed', b: 'ready' })
    const orch = orchAt(database)
    expect((await orch('jobs', 'list')).stdout).toContain('completed (rehearsed)')
    expect(await orch('jobs', 'retry', '--rehearsed')).toMatchObject({ exitCode: 0 })
    expect(await statesByKey(database)).toEqual({ a: 'ready', b: 'blocked' })
  })

  it('shows the history of a job and of a project', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    await finish(database, await claim(database))
    const orch = orchAt(database)
    expect((await orch('jobs', 'logs', 'sample/a')).stdout).toMatch(/sample\/a #1 started.*\n.*#1 completed/)
    const lines = (await orch('jobs', 'watch', 'sample', '--json')).stdout.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { data: { event: string } }).data.event)).toEqual([
      'started',
      'completed',
    ])
  })

  it('finds a job by the end of its id, and names the candidates where that fits several', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a1' }, { key: 'b1' }] })
    const orch = orchAt(database)
    expect((await orch('jobs', 'why', 'e-a1')).stdout).toContain('sample/a1')
    const ambiguous = await orch('jobs', 'why', '1')
    expect(ambiguous).toMatchObject({ exitCode: 4, stdout: '' })
    expect(ambiguous.stderr).toMatch(/sample\/a1.*sample\/b1/)
    expect(await orch('jobs', 'why', 'nothing')).toMatchObject({ exitCode: 4 })
  })
})

describe('orch jobs without a database', () => {
  it.each([['list'], ['show', 'x/y'], ['why', 'x/y'], ['logs', 'x'], ['watch', 'x']])(
    '%s finds nothing, warns and exits 0',
    async (...argv) => {
      const result = await runOrch(['jobs', ...argv], { cwd: temporaryDirectory() })
      expect(result.exitCode).toBe(0)
      expect(result.stderr).toContain('orch db migrate')
    },
  )

  it.each([
    ['retry', 'x/y'],
    ['cancel', 'x/y'],
    ['hold', 'x/y'],
    ['release', 'x/y'],
  ])('%s names what is missing and exits 10', async (...argv) => {
    const result = await runOrch(['jobs', ...argv], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 10, stdout: '' })
    expect(result.stderr).toContain('orch db migrate')
  })
})
