import { beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { ModelRegistry } from '../../src/models/model-registry.ts'
import type { TableProbe } from '../../src/models/model-store.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aProvider, FakeProviders } from '../support/fake-providers.ts'
import { missingTables, presentTables } from '../support/table-probe.ts'

let clock: FakeClock
let providers: FakeProviders
const openai = aProvider({ id: 'openai', kind: 'openai' })
const ollama = aProvider({ id: 'ollama', kind: 'ollama', local: true })
const rehearsal = aProvider({ id: 'rehearsal', kind: 'rehearsal', local: true })

beforeEach(() => {
  clock = new FakeClock()
  providers = new FakeProviders()
})

function registry(database: Database, options: { tables?: TableProbe; trusted?: boolean } = {}): ModelRegistry {
  return new ModelRegistry({ database, clock, tables: presentTables, trusted: true, ...options }, providers)
}

const withoutTable = { tables: missingTables('model_registry') }

describeEachDatabase('the model registry', (open) => {
  test('stores each entry verbatim, with specs and the source of each', async () => {
    const entry = { id: 'gpt-5', object: 'model', owned_by: 'openai', nested: { '"odd"\u0000': [1, null] } }
    providers.add(openai, [{ modelId: 'gpt-5', data: entry }])
    const models = registry(await open())
    expect(await models.sync(openai)).toMatchObject({ stored: true, listed: 1, added: ['gpt-5'], vanished: [] })
    const [model] = await models.list()
    expect(model).toMatchObject({ name: 'openai/gpt-5', stored: true, lifecycle: 'active', firstSeenAt: clock.now() })
    expect(model?.providerData).toMatchObject({ id: 'gpt-5', object: 'model', owned_by: 'openai' })
    expect(model?.specs).toMatchObject({
      contextTokens: { value: 400_000, source: 'catalog' },
      capabilities: { tools: { value: true, source: 'catalog' } },
      price: { source: 'catalog', value: { inputUsdPerMillion: 1.25, priceSource: 'genai-prices' } },
    })
  })

  test('marks what is no longer listed as vanished and brings it back, and deletes nothing', async () => {
    providers.add(openai, ['gpt-5', 'gpt-4o'])
    const models = registry(await open())
    await models.sync(openai)
    const firstSeenAt = clock.now()
    await clock.advance(60_000)
    providers.relist(openai, ['gpt-5'])
    expect(await models.sync(openai)).toMatchObject({ vanished: ['gpt-4o'], added: [] })
    expect(await models.get('openai/gpt-4o')).toMatchObject({ lifecycle: 'vanished', firstSeenAt })
    expect(await models.sync(openai)).toMatchObject({ vanished: [] })
    providers.relist(openai, ['gpt-5', 'gpt-4o'])
    expect(await models.sync(openai)).toMatchObject({ returned: ['gpt-4o'], added: [] })
    expect(await models.get('openai/gpt-4o')).toMatchObject({ lifecycle: 'active', firstSeenAt })
  })

  test('a sync changes no other provider, and keeps what an operator set or disabled', async () => {
    providers.add(openai, ['gpt-5'])
    providers.add(ollama, ['llama3.1:8b'])
    const database = await open()
    const models = registry(database)
    await models.sync(openai)
    await models.sync(ollama)
    const operator = { value: 1000, source: 'operator', confidence: 1, at: 1 }
    await database.db
      .updateTable('model_registry')
      .set({ specs: JSON.stringify({ contextTokens: operator, capabilities: {} }), lifecycle: 'disabled' })
      .where('model_id', '=', 'gpt-5')
      .execute()
    await models.sync(openai)
    expect(await models.get('openai/gpt-5')).toMatchObject({
      lifecycle: 'disabled',
      specs: { contextTokens: operator, capabilities: { tools: { source: 'catalog' } } },
    })
    expect(await models.get('ollama/llama3.1:8b')).toMatchObject({ lifecycle: 'active' })
  })

  test('a failing provider changes nothing', async () => {
    providers.add(openai, ['gpt-5'])
    const models = registry(await open())
    await models.sync(openai)
    providers.relist(openai, new Error('503'))
    await expect(models.sync(openai)).rejects.toThrow('503')
    expect(await models.get('openai/gpt-5')).toMatchObject({ lifecycle: 'active' })
  })

  test('prices of the catalog are those of the day they are asked for, even years after the sync', async () => {
    clock = new FakeClock({ startMs: Date.UTC(2025, 4, 1) })
    providers.add(openai, ['o3'])
    const models = registry(await open())
    await models.sync(openai)
    const priceOfNow = async () => (await models.get('openai/o3'))?.specs.price?.value.inputUsdPerMillion
    expect(await priceOfNow()).toBe(10)
    await clock.advance(60 * 24 * 3_600_000)
    expect(await priceOfNow()).toBe(2)
  })

  test('filters by provider, capability, price and context; unknown values do not pass', async () => {
    providers.add(openai, ['gpt-5', 'gpt-3.5-turbo', 'unheard-of'])
    providers.add(ollama, ['llama3.1:8b'])
    const models = registry(await open())
    await models.sync(openai)
    const names = async (filter: Parameters<ModelRegistry['list']>[0]) =>
      (await models.list(filter)).map((model) => model.modelId)
    expect(await names({ providerId: 'ollama' })).toEqual(['llama3.1:8b'])
    expect(await names({ capability: 'vision' })).toEqual(['gpt-5'])
    expect(await names({ maxOutputUsdPerMillion: 2 })).toEqual(['gpt-3.5-turbo', 'llama3.1:8b'])
    expect(await names({ minimumContextTokens: 100_000 })).toEqual(['gpt-5'])
  })

  test('without its table it answers from the live list, which is not stored', async () => {
    providers.add(ollama, ['llama3.1:8b'])
    const models = registry(await open({ migrate: false }), withoutTable)
    expect(await models.sync(ollama)).toMatchObject({ stored: false, listed: 1 })
    expect(await models.get('ollama/llama3.1:8b')).toMatchObject({
      stored: false,
      firstSeenAt: null,
      specs: { price: { value: { inputUsdPerMillion: 0, priceSource: 'local' } } },
    })
  })

  test('the live list is asked for once while it is fresh, again when it is old or has failed', async () => {
    providers.add(ollama, ['llama3.1:8b'])
    const models = registry(await open())
    await models.list()
    await models.list()
    expect(providers.asked).toEqual(['ollama'])
    await clock.advance(300_001)
    providers.relist(ollama, new Error('gone'))
    expect(await models.survey()).toMatchObject({ models: [], failures: [{ provider: ollama, message: 'gone' }] })
    providers.relist(ollama, ['llama3.1:8b'])
    expect(await models.list()).toHaveLength(1)
  })

  test('a provider that is not usable is not asked', async () => {
    providers.add(openai, ['gpt-5'], { problem: 'no key' })
    expect(await registry(await open()).list()).toEqual([])
    expect(providers.asked).toEqual([])
  })

  test('a model of a provider that cannot list is taken at its name; an unlisted or unknown one is not there', async () => {
    providers.add(openai, new Error('no list'))
    providers.add(ollama, ['llama3.1:8b'])
    const models = registry(await open())
    expect(await models.get('openai/gpt-5')).toMatchObject({
      stored: false,
      specs: { contextTokens: { value: 400_000 } },
    })
    expect(await models.get('ollama/nothing')).toBeNull()
    expect(await models.get('nowhere/gpt-5')).toBeNull()
    expect(await models.get('ollama')).toBeNull()
  })

  test('rows of a database that is not trusted count as absent', async () => {
    providers.add(openai, ['gpt-5'])
    const database = await open()
    await registry(database).sync(openai)
    await database.db.updateTable('model_registry').set({ specs: '{"capabilities":{}}' }).execute()
    const stranger = registry(database, { trusted: false })
    expect(await stranger.get('openai/gpt-5')).toMatchObject({ stored: false })
    expect(await stranger.sync(openai)).toMatchObject({ stored: false })
  })

  test('rehearsal models offer everything and are priced as simulated', async () => {
    providers.add(rehearsal, ['rehearsal'])
    const models = registry(await open())
    await models.sync(rehearsal)
    expect(await models.get('rehearsal/rehearsal')).toMatchObject({
      specs: {
        capabilities: { tools: { value: true }, vision: { value: true } },
        price: { value: { priceSource: 'simulated', outputUsdPerMillion: 0 } },
      },
    })
  })
})
