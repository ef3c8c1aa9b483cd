/** The whole main job over real HTTP, with each wire protocol and on each engine; raw SQL and the server's own log agree. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  describePostgres,
  describeSqlite,
  temporaryDirectory,
  type OpenTestDatabase,
  type TestDatabase,
} from '../support/databases.ts'
import { startFakeModelServer, type FakeReply, type FakeRequest } from '../support/fake-model-server.ts'
import { documentOf, runOrchDone } from '../support/run-orch.ts'

const canaryKey = 'canary-key-5d1f7a90c3b24e68'
const greeting = 'Hello from a job that orch ran.'

const protocols = [
  { kind: 'openai-compatible', path: '/v1', keyed: true },
  { kind: 'anthropic', path: '/v1', keyed: true },
  { kind: 'ollama', path: '', keyed: false },
] as const

const plan = {
  jobs: [
    {
      key: 'write-greeting',
      title: 'Write the greeting',
      description: 'Write hello.txt',
      role: 'engineer',
      depends_on: [],
      priority: 'high',
      executor: 'agent',
      run: null,
      needs: ['tools'],
      writes: ['hello.txt'],
      locks: [],
      tasks: null,
      acceptance: [
        {
          id: 'greets',
          check: 'file',
          path: 'hello.txt',
          contains: 'Hello',
          changed: true,
          reply: null,
          schema: null,
          run: null,
        },
      ],
      deliverables: ['hello.txt'],
      estimate: { input_tokens: 500, output_tokens: 100 },
    },
    {
      key: 'describe',
      title: 'Describe the greeting',
      description: 'Say what hello.txt is for',
      role: 'writer',
      depends_on: ['write-greeting'],
      priority: null,
      executor: 'llm',
      run: null,
      needs: null,
      writes: null,
      locks: [],
      tasks: null,
      acceptance: [],
      deliverables: ['notes.md'],
      estimate: null,
    },
  ],
}

/** A model that plans when asked to plan, uses tools when it has some, and answers in prose otherwise. */
function respond(request: FakeRequest): FakeReply {
  const usage = { inputTokens: 120, outputTokens: 30 }
  if (request.tools.includes('submit')) {
    const call =
      request.toolResults === 0
        ? { name: 'write', input: { path: 'hello.txt', content: `${greeting}\n` } }
        : { name: 'submit', input: { summary: 'The greeting is written', claims: ['greets'] } }
    return { toolCalls: [call], usage }
  }
  if (request.prompt.includes('```orch-job')) return { text: 'hello.txt greets whoever opens it.', usage }
  if (request.prompt.includes('A greeting for newcomers')) return { json: plan, usage }
  return { text: 'ok', usage }
}

async function startProject(database: TestDatabase) {
  const cwd = temporaryDirectory()
  const server = await startFakeModelServer({ respond })
  onTestFinished(() => server.close())
  const onServer: Record<string, string> =
    database.schema === undefined ? {} : { ORCH_DATABASE_URL: database.url, ORCH_DB_SCHEMA: database.schema }
  const env = { ...onServer, LAB_KEY: canaryKey }
  const outputs: string[] = []
  const orch = async (...argv: string[]) => {
    const result = await runOrchDone(argv, { cwd, env })
    outputs.push(result.stdout, result.stderr)
    return result
  }
  return { cwd, server, orch, outputs }
}

/** The database that the CLI used: its own file, or the schema of the test. */
function openOwn(database: TestDatabase, cwd: string) {
  if (database.schema !== undefined) return database.connect()
  return database.connect({ url: join(cwd, '.orch', 'orch.db') })
}

const title = 'init, provider, sync, plan, approve, run, usage'
describeSqlite(title, (open) => mainJob(open, protocols))
// What comes over the wire is stored by the same code on every engine.
describePostgres(title, (open) => mainJob(open, protocols.slice(0, 1)))

function mainJob(open: OpenTestDatabase, wires: readonly (typeof protocols)[number][]): void {
  test.each(wires)('over the wire of $kind', async ({ kind, path, keyed }) => {
    const database = await open({ migrate: false })
    const { cwd, server, orch, outputs } = await startProject(database)

    await orch('init')
    await orch('providers', 'add', 'lab', '--kind', kind, '--base-url', server.url + path)
    if (keyed) await orch('providers', 'key', 'lab', '--env', 'LAB_KEY', '--yes')
    await orch('providers', 'test', 'lab')
    await orch('models', 'sync')
    const goal = 'A greeting for newcomers'
    await orch('project', 'plan', goal, '--name', 'demo', '--approve', '--model', 'lab/fake-model')
    await orch('jobs', 'run', '--until-idle', '--json')
    const usage = documentOf<{ total: { requests: number } }>(await orch('usage', '--by', 'model', '--json'))

    expect(readFileSync(join(cwd, 'hello.txt'), 'utf8')).toBe(`${greeting}\n`)
    expect(readFileSync(join(cwd, 'notes.md'), 'utf8')).toContain('greets whoever opens it')
    const { db } = await openOwn(database, cwd)
    const jobs = await db.selectFrom('jobs').select(['key', 'state', 'attempt', 'try']).orderBy('key').execute()
    expect(jobs).toEqual([
      { key: 'describe', state: 'completed', attempt: 1, try: 1 },
      { key: 'write-greeting', state: 'completed', attempt: 1, try: 1 },
    ])
    const rows = await db.selectFrom('model_usage').select(['purpose', 'outcome', 'input_tokens']).execute()
    expect(rows.filter((row) => row.purpose === 'job')).toHaveLength(3)
    expect(rows.filter((row) => row.purpose === 'plan')).toHaveLength(1)
    expect(rows).toHaveLength(server.calls().length)
    expect(usage.data.total.requests).toBe(server.calls().length)
    expect(rows.every((row) => row.outcome === 'ok' && row.input_tokens === 120)).toBe(true)
    expect(await db.selectFrom('reservations').select('id').where('settled_at', 'is', null).execute()).toEqual([])

    expect(outputs.join('')).not.toContain(canaryKey)
    expect(existsSync(join(cwd, '.orch', 'orch.db'))).toBe(database.schema === undefined)
    expect(JSON.stringify(server.calls().map((call) => call.headers)).includes(canaryKey)).toBe(keyed)
  })
}
