import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../support/databases.ts'
import { startFakeModelServer, type FakeReply } from '../../support/fake-model-server.ts'
import { storeRows } from '../../support/job-rows.ts'
import { runOrch } from '../../support/run-orch.ts'

let workspace: string

beforeEach(() => {
  workspace = temporaryDirectory()
  mkdirSync(join(workspace, '.orch'))
  writeFileSync(join(workspace, '.orch', 'workspace.json'), '{"version":1,"id":"test"}\n')
})

const use = (name: string, input: unknown): FakeReply => ({
  toolCalls: [{ name, input }],
  usage: { inputTokens: 100, outputTokens: 10 },
})

/** Two files and what it takes to write them; the third, which the job is judged by, is forgotten. */
const forgetful: readonly FakeReply[] = [
  use('write', { path: 'one.md', content: 'one\n' }),
  use('read', { path: 'one.md' }),
  use('write', { path: 'two.md', content: 'two\n' }),
  use('submit', { summary: 'done', claims: [] }),
]
const careful = [
  ...forgetful.slice(0, 3),
  use('write', { path: 'three.md', content: 'three\n' }),
  ...forgetful.slice(3),
]

/** A job of four model calls that failed at its evidence, and everything to run and repair it. */
async function failedLate(database: TestDatabase) {
  let script = forgetful
  const server = await startFakeModelServer({
    models: ['m'],
    respond: ({ toolResults }) => script[toolResults] ?? { text: 'lost' },
  })
  onTestFinished(() => server.close())
  const acceptance = [{ id: 'third', check: 'file', path: 'three.md', contains: null, changed: false } as const]
  const jobs = [
    { key: 'a', executor: 'agent', role: 'engineer', model: 'lab/m', maxTries: 1, acceptance } as const,
    { key: 'b', executor: 'command', role: null, run: ['node', '-e', '0'], dependsOn: ['a'] } as const,
  ]
  await storeRows(database, { jobs, project: { workspace } })
  const orch = (...argv: string[]) => runOrch(argv, { cwd: workspace, env: database.env })
  await orch('db', 'trust')
  await orch('providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url)
  const run = await orch('jobs', 'run', '--until-idle', '--json')
  expect(run.exitCode).toBe(20)
  expect(server.calls()).toHaveLength(4)
  const nowCareful = () => {
    script = careful
  }
  const usage = () => database.db.selectFrom('model_usage').select(['id', 'errand_id', 'outcome']).execute()
  return { orch, server, nowCareful, usage }
}

function documentOf<T>(stdout: string): T {
  return (JSON.parse(stdout) as { data: T }).data
}

interface ShownErrand {
  readonly id: string
  readonly ordinal: number
  readonly name: string
  readonly status: string
}

interface RetriedJob {
  readonly state: string
  readonly kept: {
    readonly errands: number
    readonly calls: number
    readonly tokens: number
    readonly files: unknown
  } | null
}

describeEachDatabase('orch jobs retry --from', (open) => {
  it('makes exactly the calls after the kept prefix, and accounts for no call twice', async () => {
    const database = await open()
    const { orch, server, nowCareful, usage } = await failedLate(database)
    const shown = documentOf<{ errands: ShownErrand[] }>((await orch('jobs', 'show', 'sample/a', '--json')).stdout)
    expect(shown.errands.map(({ ordinal, name }) => `${ordinal} ${name}`)).toEqual([
      '1 agent',
      '2 write',
      '3 agent',
      '4 read',
      '5 agent',
      '6 write',
      '7 agent',
      '8 submit',
    ])
    const last = shown.errands.find(({ ordinal }) => ordinal === 7)
    const suffix = last?.id.slice(-8) ?? ''
    expect((await orch('jobs', 'show', 'sample/a')).stdout).toContain(`7  ${suffix}  task 1  model agent (done)`)
    const before = await database.db.selectFrom('errands').selectAll().orderBy('id').execute()

    const retried = await orch('jobs', 'retry', 'sample/a', '--from', suffix, '--json')
    expect(retried.exitCode).toBe(0)
    expect(documentOf<RetriedJob[]>(retried.stdout)).toMatchObject([
      {
        state: 'ready',
        kept: {
          errands: 6,
          calls: 3,
          tokens: 330,
          files: [
            { path: 'one.md', ordinal: 2, state: 'same' },
            { path: 'two.md', ordinal: 6, state: 'same' },
          ],
        },
      },
      { state: 'blocked', kept: null },
    ])
    const untouched = await database.db.selectFrom('errands').selectAll().where('try', '=', 1).orderBy('id').execute()
    expect(untouched).toEqual(before.filter((row) => row.try === 1))

    nowCareful()
    expect((await orch('jobs', 'run', '--until-idle')).exitCode).toBe(0)
    expect(server.calls()).toHaveLength(4 + 2)
    expect(readFileSync(join(workspace, 'three.md'), 'utf8')).toBe('three\n')
    const rows = await usage()
    expect(rows).toHaveLength(6)
    expect(new Set(rows.map((row) => row.errand_id)).size).toBe(6)
  })

  it('warns by name of a file that is no longer what a kept errand left', async () => {
    const { orch } = await failedLate(await open())
    writeFileSync(join(workspace, 'one.md'), 'somebody else was here\n')
    const { stderr, stdout } = await orch('jobs', 'retry', 'sample/a', '--from', '7')
    expect(stderr).toContain('one.md (changed since)')
    expect(stderr).not.toContain('two.md')
    expect(stdout).toContain('Keeps 6 errands of try 1: 3 calls, 330 tokens')
    expect(stdout).toContain('two.md (errand 6, as it left it)')
  })

  it('never mixes: a request that differs ends the try as diverged and the next one begins anew', async () => {
    const database = await open()
    const { orch } = await failedLate(database)
    await orch('roles', 'edit', 'engineer', '--title', 'Other')
    await orch('jobs', 'retry', 'sample/a', '--from', '7')
    const spec = await database.db
      .selectFrom('jobs')
      .select(['id', 'spec'])
      .where('key', '=', 'a')
      .executeTakeFirstOrThrow()
    const changed = { ...(JSON.parse(spec.spec) as object), description: 'Something else' }
    await database.db
      .updateTable('jobs')
      .set({ spec: JSON.stringify(changed) })
      .where('id', '=', spec.id)
      .execute()
    await orch('jobs', 'run', '--until-idle')
    const attempts = await database.db.selectFrom('attempts').select(['try', 'error_class']).orderBy('number').execute()
    expect(attempts.slice(0, 2)).toMatchObject([{ error_class: 'evidence' }, { try: 2, error_class: 'diverged' }])
  })

  it('refuses with one line and a hint what cannot be kept', async () => {
    const { orch } = await failedLate(await open())
    const refused = async (...argv: string[]) => {
      const { exitCode, stderr } = await orch('jobs', 'retry', ...argv)
      return `${exitCode} ${stderr.split('\n')[0]}`
    }
    expect(await refused('sample/a', '--from', '99')).toMatch(/^4 .*no errand "99"/)
    expect(await refused('sample/a', '--from', '1')).toMatch(/^5 .*nothing to keep/)
    expect(await refused('sample/b', '--continue')).toMatch(/^5 .*nothing to keep/)
    expect(await refused('sample/a', '--from', '2', '--continue')).toMatch(/^2 .*give one of them/)
    expect(await refused('--failed', 'sample', '--continue')).toMatch(/^2 .*for one job/)
    await orch('jobs', 'retry', 'sample/a')
    expect(await refused('sample/a', '--continue')).toMatch(/^5 .*is ready/)
  })
})

describeEachDatabase('orch jobs retry --continue', (open) => {
  it('keeps everything: what was only missing outside is judged again without a call', async () => {
    const { orch, server, usage } = await failedLate(await open())
    writeFileSync(join(workspace, 'three.md'), 'by hand\n')
    const { stdout } = await orch('jobs', 'retry', 'sample/a', '--continue')
    expect(stdout).toContain('Keeps 8 errands of try 1: 4 calls, 440 tokens')
    expect((await orch('jobs', 'run', '--until-idle')).exitCode).toBe(0)
    expect(server.calls()).toHaveLength(4)
    expect(await usage()).toHaveLength(4)
  })

  it('can be said again: a kept errand counts what it cost where it was made', async () => {
    const { orch, server } = await failedLate(await open())
    await orch('jobs', 'retry', 'sample/a', '--continue')
    expect((await orch('jobs', 'run', '--until-idle')).exitCode).toBe(20)
    const again = await orch('jobs', 'retry', 'sample/a', '--from', '5')
    expect(again.stdout).toContain('Keeps 4 errands of try 2: 2 calls, 220 tokens')
    expect(server.calls()).toHaveLength(4)
  })
})
