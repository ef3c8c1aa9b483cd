import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { documentShapes } from '../../../src/cli/schema-catalog.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import { startFakeModelServer, type FakeModelServer } from '../../support/fake-model-server.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'

let cwd: string
let server: FakeModelServer
let models: (string | Record<string, unknown>)[]
let extraEnv: Record<string, string>

beforeEach(async () => {
  cwd = temporaryDirectory()
  models = ['qwen3:8b', 'llama3.2:1b']
  server = await startFakeModelServer({
    list: ({ path, body }) => {
      if (path === '/api/tags') return { body: { models: models.map((name) => ({ name })) } }
      if (path !== '/api/show') return undefined
      const context = body?.['model'] === 'qwen3:8b' ? 131_072 : 4_096
      const info = { 'general.architecture': 'fake', 'fake.context_length': context }
      return { body: { model_info: info, capabilities: ['completion', 'tools'] } }
    },
  })
  extraEnv = { OLLAMA_HOST: server.url }
})
afterEach(() => server.close())

const orch = (...argv: string[]): Promise<OrchResult> => runOrch(argv, { cwd, env: extraEnv })
/** The data of a `--json` call, proven to have its published shape. */
async function data<T>(...argv: string[]): Promise<T> {
  const document = documentOf<T>(await orch(...argv, '--json'))
  const shape = (await documentShapes()).get(document.kind)
  expect(shape?.safeParse(document).error?.issues ?? []).toEqual([])
  return document.data
}
const names = async (...flags: string[]) =>
  (await data<{ name: string }[]>('models', 'list', ...flags)).map(({ name }) => name)

describe('orch models with a database', () => {
  beforeEach(() => orch('db', 'migrate'))

  it('syncs what providers list, and says what changed', async () => {
    expect((await orch('models', 'sync')).stdout).toBe('ollama: 2 models, 2 new\n')
    models.pop()
    expect((await orch('models', 'sync', 'ollama')).stdout).toBe('ollama: 1 models, 1 vanished\n')
    expect(await data('models', 'sync')).toMatchObject({ providers: [{ provider: 'ollama', added: [], vanished: [] }] })
    expect((await orch('models', 'list')).stdout).toMatch(/ollama\/llama3\.2:1b .*vanished/)
  })

  it('lists with filters', async () => {
    await orch('models', 'sync')
    expect(await names()).toEqual(['ollama/llama3.2:1b', 'ollama/qwen3:8b'])
    expect(await names('--min-context', '100000')).toEqual(['ollama/qwen3:8b'])
    expect(await names('--capability', 'vision')).toEqual([])
    expect(await names('--max-price', '0', '--provider', 'ollama')).toHaveLength(2)
  })

  it('shows the three layers with the source of each value', async () => {
    await orch('models', 'sync')
    const { stdout } = await orch('models', 'show', 'ollama/qwen3:8b')
    expect(stdout).toMatch(/contextTokens +131,072 +provider +50 %/)
    expect(stdout).toMatch(/price +free in, free out per million \(local 1\) +catalog/)
    expect(stdout).toContain('ai_data')
    expect(stdout).toContain('"fake.context_length": 131072')
    expect(await data('models', 'show', 'ollama/qwen3:8b')).toMatchObject({
      stored: true,
      specs: { contextTokens: { value: 131_072, source: 'provider' } },
      providerData: { name: 'qwen3:8b' },
    })
  })

  it('suggests the model that was probably meant', async () => {
    const result = await orch('models', 'show', 'qwen3:8b')
    expect(result).toMatchObject({ exitCode: 4, stdout: '' })
    expect(result.stderr).toContain('Did you mean ollama/qwen3:8b?')
  })

  it('picks a model for a role and explains the others', async () => {
    await orch('models', 'sync')
    expect((await orch('models', 'pick', 'engineer')).stdout).toMatch(/^ollama\/qwen3:8b\n +balanced: quality/)
    const { stdout } = await orch('models', 'pick', 'engineer', '--explain', '--min-context', '100000')
    expect(stdout).toMatch(/out +ollama\/llama3\.2:1b +its context of 4096 tokens/)
    expect(await data('models', 'pick', 'engineer')).toMatchObject({
      chosen: { model: 'ollama/qwen3:8b' },
      fallbacks: [{ model: 'ollama/llama3.2:1b' }],
    })
  })

  it('pins a role to a model, and lets go of it', async () => {
    await orch('models', 'sync')
    expect((await orch('models', 'pin', 'engineer', 'ollama/llama3.2:1b')).exitCode).toBe(0)
    expect(await data('models', 'pick', 'engineer')).toMatchObject({
      chosen: { model: 'ollama/llama3.2:1b', reason: 'pinned for the role engineer' },
    })
    expect((await orch('roles', 'show', 'engineer')).stdout).toMatch(/model +ollama\/llama3\.2:1b/)
    await orch('models', 'pin', 'engineer', '--clear')
    expect(await data('models', 'pick', 'engineer')).toMatchObject({ chosen: { model: 'ollama/qwen3:8b' } })
  })

  it.each([
    ['an unknown model', ['pin', 'engineer', 'ollama/nothing'], 4],
    ['an unknown provider', ['pin', 'engineer', 'nowhere'], 4],
    ['an unknown role', ['pin', 'chief', 'ollama/qwen3:8b'], 4],
    ['no model', ['pin', 'engineer'], 2],
    ['a model and --clear', ['pin', 'engineer', 'ollama/qwen3:8b', '--clear'], 2],
    ['an unknown capability', ['list', '--capability', 'telepathy'], 2],
    ['a price that is none', ['list', '--max-price', 'cheap'], 2],
    ['a negative context', ['pick', 'engineer', '--min-context', '-1'], 2],
  ])('refuses %s', async (_name, argv, exitCode) => {
    expect(await orch('models', ...argv)).toMatchObject({ exitCode, stdout: '' })
  })

  it('examines models, heals what it can and leaves the rest as unknown', async () => {
    await orch('models', 'sync')
    expect((await orch('models', 'doctor')).stdout).toContain('nothing is missing')
    models.push('mystery')
    await orch('models', 'sync')
    const report = await data<{ findings: unknown[] }>('models', 'doctor', '--fix')
    expect(report).toMatchObject({ examined: 3, healed: 0 })
  })

  it('goes on with the other providers when one fails, and fails when all do', async () => {
    extraEnv = { ...extraEnv, OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
    const mixed = await orch('models', 'sync')
    expect(mixed.exitCode).toBe(0)
    expect(mixed.stderr).toContain('openai')
    await server.close()
    expect((await orch('models', 'sync', 'ollama')).exitCode).toBe(7)
  })
})

describe('orch models without a database', () => {
  it('lists live, marks it and warns once', async () => {
    const result = await orch('models', 'list', '--json')
    const { data: listed, warnings } = documentOf<{ stored: boolean }[]>(result)
    expect(listed.map(({ stored }) => stored)).toEqual([false, false])
    expect(warnings.filter(({ message }) => message.includes('model_registry'))).toHaveLength(1)
    expect((await orch('models', 'pick', 'engineer')).stdout).toContain('ollama/qwen3:8b')
  })

  it('cannot pin, and names the way', async () => {
    const result = await orch('models', 'pin', 'engineer', 'ollama/qwen3:8b')
    expect(result.exitCode).toBe(10)
    expect(result.stderr).toContain('orch db migrate')
  })

  it('without any provider picks nothing, and never a rehearsal', async () => {
    extraEnv = {}
    const result = await orch('models', 'pick', 'engineer')
    expect(result).toMatchObject({ exitCode: 3, stdout: 'No model can be used\n' })
    expect(result.stderr).toContain('orch providers add')
    expect((await orch('models', 'sync')).exitCode).toBe(3)
    expect(await data('models', 'show', 'rehearsal/simulated')).toMatchObject({
      specs: { price: { value: { priceSource: 'simulated' } } },
    })
  })
})
