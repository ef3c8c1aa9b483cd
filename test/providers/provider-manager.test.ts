import { afterEach, describe, expect, it } from 'vitest'
import { addProviderConfig, type StoredProvider } from '../../src/database/repositories/provider-config-repository.ts'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import {
  startFakeModelServer,
  type FakeModelServer,
  type FakeModelServerOptions,
} from '../support/fake-model-server.ts'
import { providerManager, testProvider } from '../support/providers.ts'

const servers: FakeModelServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})
async function serve(options: FakeModelServerOptions) {
  const server = await startFakeModelServer(options)
  servers.push(server)
  return server
}

const stored: StoredProvider = {
  id: 'lab',
  label: 'Lab',
  kind: 'openai-compatible',
  baseUrl: 'http://127.0.0.1:9/v1',
  credential: null,
  requestsPerMinute: 60,
  tokensPerMinute: null,
  maxConcurrency: 2,
  enabled: true,
}
const signal = new AbortController().signal

describeEachDatabase('stored providers', (open) => {
  async function managerWith(rows: readonly StoredProvider[], trusted = true) {
    const database = await open()
    await database.write(async (trx) => {
      for (const row of rows) await addProviderConfig(trx, row, 1)
    })
    return providerManager({
      userConfigDir: temporaryDirectory(),
      database: async () => database,
      tables: async () => ({ has: async () => true }),
      databaseIsTrusted: async () => trusted,
      env: { ORCH_DETECT: 'off', OPENAI_API_KEY: 'sk-environment-key-1' },
    })
  }

  it('come first, with their limits, before those of the environment', async () => {
    const list = await (await managerWith([stored])).list()
    expect(list).toMatchObject([
      { id: 'lab', origin: 'database', local: true, requestsPerMinute: 60, maxConcurrency: 2 },
      { id: 'openai', origin: 'environment', local: false, credential: 'OPENAI_API_KEY' },
    ])
  })

  it('hide the one of the environment that has their id', async () => {
    const manager = await managerWith([{ ...stored, id: 'openai', kind: 'openai', baseUrl: null, enabled: false }])
    expect(await manager.list()).toMatchObject([{ id: 'openai', enabled: false, baseUrl: 'https://api.openai.com/v1' }])
    expect(await manager.usable()).toEqual([])
  })

  it('of a kind that this version does not know are left out', async () => {
    expect(await (await managerWith([{ ...stored, kind: 'from-the-future' }])).list()).toHaveLength(1)
  })

  it('count as absent in a database that is not trusted', async () => {
    const manager = await managerWith([stored], false)
    expect((await manager.list()).map(({ id }) => id)).toEqual(['openai'])
    expect(await manager.ignoredCount()).toBe(1)
  })

  it('are not usable without the key they name, and say why', async () => {
    const manager = await managerWith([{ ...stored, credential: 'nobody-has-this' }])
    expect((await manager.usable()).map(({ id }) => id)).toEqual(['openai'])
    expect(await manager.problem(await manager.get('lab'))).toContain('has no source on this machine')
  })

  it('cannot have the key of a vendor sent elsewhere', async () => {
    const server = await serve({})
    const manager = await managerWith([{ ...stored, baseUrl: `${server.url}/v1`, credential: 'OPENAI_API_KEY' }])
    const lab = await manager.get('lab')
    expect(await manager.problem(lab)).toContain('is bound to https://api.openai.com and is not sent to')
    await expect(manager.listModels(lab, signal)).rejects.toMatchObject({ code: 'ORCH_CONFIG_UNTRUSTED' })
    expect(server.requests).toHaveLength(0)
  })
})

describe('providers of the environment', () => {
  it('follow a base URL that the user moved, key and all', async () => {
    const server = await serve({ key: 'sk-moved-key-123', models: ['m'] })
    const env = { ORCH_DETECT: 'off', OPENAI_API_KEY: 'sk-moved-key-123', OPENAI_BASE_URL: server.url }
    const manager = providerManager({ userConfigDir: temporaryDirectory(), env })
    const models = await manager.listModels(await manager.get('openai'), signal)
    expect(models.map(({ modelId }) => modelId)).toEqual(['m'])
  })

  it('name the variable that holds no address', async () => {
    const env = { ORCH_DETECT: 'off', OPENAI_API_KEY: 'sk-some-key-123', OPENAI_BASE_URL: 'nonsense' }
    const manager = providerManager({ userConfigDir: temporaryDirectory(), env })
    await expect(manager.list()).rejects.toThrow(/^OPENAI_BASE_URL: /)
  })

  it("are found by either of Google's variables", async () => {
    const env = { ORCH_DETECT: 'off', GEMINI_API_KEY: 'x-gemini-key' }
    const manager = providerManager({ userConfigDir: temporaryDirectory(), env })
    expect(await manager.list()).toMatchObject([{ id: 'google', credential: 'GEMINI_API_KEY' }])
  })

  it('never include the rehearsal, which is there by name all the same', async () => {
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    expect(await manager.list()).toEqual([])
    expect(await manager.get('rehearsal')).toMatchObject({ kind: 'rehearsal', origin: 'built-in' })
    await expect(manager.get('nobody')).rejects.toMatchObject({ code: 'ORCH_NOT_FOUND' })
  })
})

describe('a list of models', () => {
  it('keeps each entry as it came', async () => {
    const entry = { id: 'm', context_length: 8192, pricing: { prompt: '0.000001' }, odd: [1] }
    const server = await serve({ models: [entry] })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    expect(await manager.listModels(testProvider('openrouter', server.url), signal)).toEqual([
      { modelId: 'm', data: entry },
    ])
  })

  it('of Ollama carries what /api/show says', async () => {
    const server = await serve({ models: ['llama3:8b'] })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    const [model] = await manager.listModels(testProvider('ollama', server.url), signal)
    expect(model).toMatchObject({
      modelId: 'llama3:8b',
      data: { size: 4_000_000_000, show: { capabilities: ['completion', 'tools'] } },
    })
  })

  it('of Google leaves out what cannot generate and the prefix of names', async () => {
    const embedding = { name: 'models/embed', supportedGenerationMethods: ['embedContent'] }
    const server = await serve({
      list: () => ({
        body: { models: [embedding, { name: 'models/gemini', supportedGenerationMethods: ['generateContent'] }] },
      }),
    })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    const models = await manager.listModels(testProvider('google', server.url), signal)
    expect(models.map(({ modelId }) => modelId)).toEqual(['gemini'])
  })

  it('of Anthropic is read to its last page', async () => {
    const pages = [
      { data: [{ id: 'a' }], has_more: true },
      { data: [{ id: 'b' }], has_more: false },
    ]
    const server = await serve({ list: () => ({ body: pages.shift() }) })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    const models = await manager.listModels(testProvider('anthropic', server.url), signal)
    expect(models.map(({ modelId }) => modelId)).toEqual(['a', 'b'])
  })

  it.each([
    [{ status: 401, body: { error: { message: 'no', code: 'invalid_api_key' } } }, 'auth'],
    [{ status: 200, body: '<html>' }, 'malformed'],
    [{ cut: 'mid-body' as const, body: { data: [] } }, 'unknown_outcome'],
    [{ status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'config'],
  ])('that fails says of which class: %j', async (reply, errorClass) => {
    const server = await serve({ list: () => reply })
    const manager = providerManager({ userConfigDir: temporaryDirectory() })
    await expect(manager.listModels(testProvider('openai', server.url), signal)).rejects.toMatchObject({ errorClass })
  })
})
