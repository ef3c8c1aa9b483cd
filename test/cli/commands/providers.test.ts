import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../support/databases.ts'
import { startFakeModelServer, type FakeModelServer } from '../../support/fake-model-server.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'

const canary = 'sk-canary-0123456789abcdef'
let server: FakeModelServer
let cwd: string

beforeEach(async () => {
  server = await startFakeModelServer({ models: ['big-model', 'tiny-model', 'text-embedding-x'], key: canary })
  cwd = temporaryDirectory()
})
afterEach(() => server.close())

interface View {
  readonly id: string
  readonly enabled: boolean
  readonly origin: string
  readonly credential: string | null
  readonly problem: string | null
  readonly baseUrl: string
}

const coolRow = {
  provider_id: 'lab',
  model_id: '',
  state: 'open',
  error_class: 'auth',
  reason: 'refused',
  failures: 1,
  updated_at: 1,
} as const

describeEachDatabase('orch providers', (open) => {
  let last: { readonly database: TestDatabase }
  async function prepare(env: Readonly<Record<string, string>> = {}) {
    const database = await open()
    last = { database }
    const { url, schema } = database
    const place: Record<string, string> = schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }
    const run = (argv: readonly string[], stdin?: string): Promise<OrchResult> =>
      runOrch(argv, { cwd, env: { ...env, ...place, ORCH_DATABASE_URL: url }, stdin })
    await run(['db', 'trust'])
    const list = async () => documentOf<readonly View[]>(await run(['providers', 'list', '--json'])).data
    return { run, list }
  }

  it('keeps a provider from add to remove', async () => {
    const { run, list } = await prepare()
    const added = await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url])
    expect(added).toMatchObject({ exitCode: 0 })
    expect(await list()).toMatchObject([{ id: 'lab', baseUrl: `${server.url}/v1`, enabled: true, origin: 'database' }])
    await run(['providers', 'edit', 'lab', '--max-concurrency', '3', '--label', 'The lab'])
    const shown = documentOf(await run(['providers', 'show', 'lab', '--json'])).data
    expect(shown).toMatchObject({ label: 'The lab', maxConcurrency: 3, requestsPerMinute: null, health: [] })
    await run(['providers', 'edit', 'lab', '--max-concurrency', '0'])
    expect(documentOf(await run(['providers', 'show', 'lab', '--json'])).data).toMatchObject({ maxConcurrency: null })
    await run(['providers', 'disable', 'lab'])
    expect(await list()).toMatchObject([{ id: 'lab', enabled: false }])
    await run(['providers', 'enable', 'lab'])
    expect(await list()).toMatchObject([{ id: 'lab', enabled: true }])
    expect(await run(['providers', 'remove', 'lab'])).toMatchObject({ exitCode: 0 })
    expect(await list()).toEqual([])
  })

  it('tests a provider with one cheap call, its key piped in and seen nowhere', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url])
    const bound = await run(['providers', 'key', 'lab', '--file', '--json'], `${canary}\n`)
    expect(documentOf(bound).data).toEqual({ id: 'lab', credential: 'lab', source: 'file', origin: server.url })
    const tested = await run(['providers', 'test', 'lab', '--json'])
    expect(documentOf(tested).data).toMatchObject({
      ok: true,
      modelCount: 3,
      modelId: 'tiny-model',
      cost: { microUsd: 0 },
    })
    expect(server.calls()).toHaveLength(1)
    const shown = await run(['providers', 'show', 'lab'])
    for (const { stdout, stderr } of [bound, tested, shown]) expect(stdout + stderr).not.toContain(canary)
  })

  it('fails a test with the class of the error and exit 7', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url])
    await run(['providers', 'key', 'lab', '--file'], 'sk-wrong-key-9999999')
    const tested = await run(['providers', 'test', 'lab', '--json'])
    expect(tested).toMatchObject({ exitCode: 7, stdout: '' })
    expect(tested.stderr).toContain('class auth')
    expect(tested.stderr).not.toContain('sk-wrong')
  })

  it('lets a provider that was refused be asked again at once after a new key', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url])
    const { database } = last
    await database.db
      .insertInto('provider_health')
      .values({ ...coolRow, cooldown_until: 4_000_000_000_000 })
      .execute()
    expect((await run(['providers', 'list'])).stdout).toContain('cooling down until')
    await run(['providers', 'key', 'lab', '--file'], canary)
    expect((await run(['providers', 'list'])).stdout).toContain('ready')
  })

  it('stores a provider of the environment when it is changed', async () => {
    const { run, list } = await prepare({ MISTRAL_API_KEY: canary })
    expect(await list()).toMatchObject([{ id: 'mistral', origin: 'environment', credential: 'MISTRAL_API_KEY' }])
    expect(await run(['providers', 'remove', 'mistral'])).toMatchObject({ exitCode: 5 })
    await run(['providers', 'disable', 'mistral'])
    expect(await list()).toMatchObject([{ id: 'mistral', origin: 'database', enabled: false }])
  })

  it('refuses an id that exists, a kind it does not know and an address it must not call', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'openai'])
    expect(await run(['providers', 'add', 'openai'])).toMatchObject({ exitCode: 5 })
    const kind = await run(['providers', 'add', 'x', '--kind', 'gpt'])
    expect(kind.exitCode).toBe(2)
    expect(kind.stderr).toContain('--kind: expected one of openai')
    for (const url of ['http://169.254.169.254/v1', 'http://example.com/v1', 'https://[::ffff:a9fe:a9fe]/v1']) {
      const refused = await run(['providers', 'add', 'y', '--kind', 'openai-compatible', '--base-url', url])
      expect(refused.exitCode).toBe(3)
    }
    const withKey = await run(['providers', 'add', 'y', '--kind', 'openai', '--base-url', `https://x:${canary}@h/v1`])
    expect(withKey.exitCode).toBe(2)
    expect(withKey.stderr).not.toContain(canary)
  })

  it('does not send a key to a place it is not bound to', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', 'https://lab.example/v1'])
    await run(['providers', 'key', 'lab', '--file'], canary)
    await run(['providers', 'edit', 'lab', '--base-url', server.url])
    const tested = await run(['providers', 'test', 'lab'])
    expect(tested.exitCode).toBe(3)
    expect(tested.stderr).toContain('is bound to https://lab.example and is not sent to')
    expect(server.requests).toHaveLength(0)
    const rebound = await run(['providers', 'key', 'lab', '--file'], canary)
    expect(rebound.stderr).toContain('ORCH_NEEDS_CONFIRMATION')
    await run(['providers', 'key', 'lab', '--file', '--yes'], canary)
    expect(await run(['providers', 'test', 'lab'])).toMatchObject({ exitCode: 0 })
  })

  it('stores a rehearsal provider with its behaviour', async () => {
    const { run } = await prepare()
    await run(['providers', 'add', 'rehearsal', '--seed', '7', '--latency', '1'])
    expect(documentOf(await run(['providers', 'test', 'rehearsal', '--json'])).data).toMatchObject({ simulated: true })
  })

  it('ignores what a database that nobody trusted has stored, and will not change it', async () => {
    const { url, schema } = await open()
    const env = { ORCH_DATABASE_URL: url, ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }) }
    await runOrch(['db', 'trust'], { cwd, env })
    await runOrch(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url], { cwd, env })
    const stranger = temporaryDirectory()
    const listed = await runOrch(['providers', 'list'], { cwd: stranger, env })
    expect(listed.stdout).toContain('No provider yet')
    expect(listed.stderr).toContain('is not trusted on this machine')
    expect(await runOrch(['providers', 'disable', 'lab'], { cwd: stranger, env })).toMatchObject({ exitCode: 3 })
    expect(server.requests).toHaveLength(0)
  })

  it('lists what it finds without the table, and says what is off', async () => {
    const { url, schema } = await open({ migrate: false })
    const env = {
      ORCH_DATABASE_URL: url,
      OLLAMA_HOST: server.url,
      ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }),
    }
    const listed = await runOrch(['providers', 'list', '--json'], { cwd, env })
    expect(listed.exitCode).toBe(0)
    expect(documentOf(listed)).toMatchObject({
      data: [{ id: 'ollama', origin: 'environment' }],
      warnings: expect.arrayContaining([expect.objectContaining({ hint: 'Create it with `orch db migrate`' })]),
    })
    expect(await runOrch(['providers', 'add', 'openai'], { cwd, env })).toMatchObject({ exitCode: 10 })
  })
})

describe('orch providers', () => {
  const env = () => ({ ORCH_DATABASE_URL: ':memory:' })

  it('detects a server on this machine and what it serves', async () => {
    const open = await startFakeModelServer({ models: ['llama3:8b'] })
    const detecting = { ...env(), ORCH_DETECT: 'on', ORCH_DETECT_PORTS: `ollama=${open.port},vllm=${open.port}` }
    const found = documentOf<readonly object[]>(
      await runOrch(['providers', 'detect', '--json'], { cwd, env: detecting }),
    )
    await open.close()
    // The same server under a second name is not listed twice.
    expect(found.data).toMatchObject([{ id: 'ollama', kind: 'ollama', origin: 'detected', models: ['llama3:8b'] }])
  })

  it('detects nothing in whatever else listens on such a port', async () => {
    const other = await startFakeModelServer({ list: () => ({ status: 200, body: { hello: 'world' } }) })
    const detecting = { ...env(), ORCH_DETECT: 'on', ORCH_DETECT_PORTS: `ollama=${other.port},lm-studio=${other.port}` }
    const found = await runOrch(['providers', 'detect'], { cwd, env: detecting })
    await other.close()
    expect(found.stdout).toContain('Nothing found')
  })

  it('names the ways to get one where there is none', async () => {
    expect((await runOrch(['providers', 'list'], { cwd, env: env() })).stdout).toContain('OPENAI_API_KEY')
    const shown = await runOrch(['providers', 'show', 'nope'], { cwd, env: env() })
    expect(shown.exitCode).toBe(4)
  })

  it('says which command starts Ollama when it is named and not there', async () => {
    await server.close()
    const tested = await runOrch(['providers', 'test', 'ollama'], { cwd, env: { ...env(), OLLAMA_HOST: server.url } })
    expect(tested.exitCode).toBe(7)
    expect(tested.stderr).toContain('class config')
    expect(tested.stderr).toContain('ollama serve')
  })
})

describe('a key in a file', () => {
  const configDir = () => join(cwd, '.home', 'config')
  const keyPath = () => join(configDir(), 'keys', 'lab')
  async function prepare() {
    const env = { ORCH_DATABASE_URL: join(cwd, 'orch.db') }
    const run = (argv: readonly string[], stdin?: string) => runOrch(argv, { cwd, env, stdin })
    expect(await run(['db', 'migrate', '--yes'])).toMatchObject({ exitCode: 0 })
    await run(['db', 'trust'])
    await run(['providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url])
    return run
  }

  it('is readable by its owner only, whatever the umask', async () => {
    const run = await prepare()
    const before = process.umask(0)
    try {
      await run(['providers', 'key', 'lab', '--file'], canary)
    } finally {
      process.umask(before)
    }
    expect(statSync(keyPath()).mode & 0o777).toBe(0o600)
    expect(statSync(join(configDir(), 'keys')).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(configDir(), 'credentials.json'), 'utf8')).not.toContain(canary)
  })

  it('is refused when others can read it, or when it is a link', async () => {
    const run = await prepare()
    await run(['providers', 'key', 'lab', '--file'], canary)
    chmodSync(keyPath(), 0o644)
    const open = await run(['providers', 'test', 'lab'])
    expect(open.exitCode).toBe(3)
    expect(open.stderr).toContain('is open to other users')
    writeFileSync(join(cwd, 'elsewhere'), canary, { mode: 0o600 })
    await run(['providers', 'key', 'lab', '--remove'])
    await run(['providers', 'key', 'lab', '--file'], canary)
    await import('node:fs').then(({ rmSync }) => rmSync(keyPath()))
    symlinkSync(join(cwd, 'elsewhere'), keyPath())
    expect((await run(['providers', 'test', 'lab'])).stderr).toContain('is a link')
    expect(server.requests).toHaveLength(0)
  })

  it('is not written into a directory that is open to others', async () => {
    const run = await prepare()
    mkdirSync(join(configDir(), 'keys'), { recursive: true, mode: 0o755 })
    chmodSync(join(configDir(), 'keys'), 0o755)
    const refused = await run(['providers', 'key', 'lab', '--file'], canary)
    expect(refused.exitCode).toBe(3)
    expect(refused.stderr).toContain('chmod 700')
  })

  it('is never taken for the name of a variable', async () => {
    const run = await prepare()
    const refused = await run(['providers', 'key', 'lab', '--env', canary])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).not.toContain(canary)
  })

  it('can come from a program of the user', async () => {
    const run = await prepare()
    const argv = JSON.stringify([process.execPath, '-e', `console.log('${canary.slice(0, 9)}' + '${canary.slice(9)}')`])
    await run(['providers', 'key', 'lab', '--command', argv])
    expect(await run(['providers', 'test', 'lab'])).toMatchObject({ exitCode: 0 })
  })
})
