import { beforeEach, describe, expect, test } from 'vitest'
import { ModelRegistry, splitModelName } from '../../src/models/model-registry.ts'
import { chooseModel, type ChoiceRequest } from '../../src/models/selection.ts'
import type { Provider } from '../../src/providers/provider.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aProvider, FakeProviders } from '../support/fake-providers.ts'
import { missingTables } from '../support/table-probe.ts'
import { openDatabase, type Database } from '../../src/database/connection.ts'
import { seededRandom } from '../../src/runtime/random.ts'

let clock: FakeClock
let providers: FakeProviders
let database: Database
let cooling: Map<string, number>

const openai = aProvider({ id: 'openai', kind: 'openai', credential: 'openai' })
const anthropic = aProvider({ id: 'anthropic', kind: 'anthropic' })
const ollama = aProvider({ id: 'ollama', kind: 'ollama', local: true })
const rehearsal = aProvider({ id: 'rehearsal', kind: 'rehearsal', local: true })

beforeEach(async () => {
  clock = new FakeClock()
  providers = new FakeProviders()
  cooling = new Map()
  database = await openDatabase(':memory:', { clock, random: seededRandom(1), create: true })
  return () => database.close()
})

function choose(overrides: Partial<ChoiceRequest> = {}) {
  const store = { database, clock, tables: missingTables('model_registry'), trusted: true }
  return chooseModel({
    registry: new ModelRegistry(store, providers),
    health: { cooldowns: async () => inForce() },
    role: null,
    needs: [],
    pin: null,
    policy: 'balanced',
    minimumContextTokens: 0,
    ...overrides,
  })
}

function inForce() {
  return [...cooling].flatMap(([name, untilMs]) => {
    const { providerId, modelId } = splitModelName(name)
    return untilMs > clock.now() ? [{ providerId, modelId: modelId ?? '', untilMs }] : []
  })
}

async function names(overrides: Partial<ChoiceRequest> = {}): Promise<string[]> {
  return (await choose(overrides)).chain.map(({ model }) => model.name)
}

async function whyNot(name: string, overrides: Partial<ChoiceRequest> = {}): Promise<string | undefined> {
  return (await choose(overrides)).excluded.find((one) => one.name === name)?.reason
}

function ollamaModel(name: string, capabilities?: readonly string[]) {
  return { modelId: name, data: { name, ...(capabilities !== undefined && { capabilities }) } }
}

const engineer = { id: 'engineer', needs: ['tools'], modelPin: null } as const

describe('policies', () => {
  beforeEach(() => {
    providers.add(openai, ['gpt-5', 'gpt-5-nano'])
    providers.add(anthropic, ['claude-opus-4-5', 'claude-haiku-4-5'])
    providers.add(ollama, [ollamaModel('llama3.1:8b', ['completion', 'tools'])])
  })

  test('cheapest takes what costs least', async () => {
    expect((await names({ policy: 'cheapest' })).slice(0, 2)).toEqual(['ollama/llama3.1:8b', 'openai/gpt-5-nano'])
  })

  test('best takes the strongest, whatever it costs', async () => {
    expect((await names({ policy: 'best' })).slice(0, 2)).toEqual(['anthropic/claude-opus-4-5', 'openai/gpt-5'])
  })

  test('fastest takes the quickest', async () => {
    expect((await names({ policy: 'fastest' }))[0]).toBe('openai/gpt-5-nano')
  })

  test('local-first takes local models before all others', async () => {
    expect((await names({ policy: 'local-first' }))[0]).toBe('ollama/llama3.1:8b')
  })

  test('balanced weighs strength against price and says so', async () => {
    const [first] = (await choose()).chain
    expect(first?.model.name).toBe('openai/gpt-5')
    expect(first?.reason).toMatch(/^balanced: quality \d+, speed \d+, \$3\.438 per million tokens$/)
  })

  test('the order does not depend on the order of providers', async () => {
    const before = await names()
    providers = new FakeProviders()
    providers.add(ollama, [ollamaModel('llama3.1:8b', ['completion', 'tools'])])
    providers.add(anthropic, ['claude-haiku-4-5', 'claude-opus-4-5'])
    providers.add(openai, ['gpt-5-nano', 'gpt-5'])
    expect(await names()).toEqual(before)
  })
})

describe('needs', () => {
  test('a capability known to be absent excludes, an unknown one ranks lower', async () => {
    providers.add(ollama, [
      ollamaModel('has-none:8b', ['completion']),
      ollamaModel('says-nothing:70b'),
      ollamaModel('has-tools:1b', ['completion', 'tools']),
    ])
    expect(await names({ role: engineer })).toEqual(['ollama/has-tools:1b', 'ollama/says-nothing:70b'])
    expect(await whyNot('ollama/has-none:8b', { role: engineer })).toBe('it does not offer tools (provider)')
    expect((await choose({ role: engineer })).chain[1]?.reason).toContain('not known: tools')
  })

  test('a call without tools does not need a model with tools', async () => {
    providers.add(ollama, [ollamaModel('has-none:8b', ['completion'])])
    expect(await names({ role: engineer, without: ['tools'] })).toEqual(['ollama/has-none:8b'])
    expect(await names({ role: engineer, without: ['tools'], needs: ['tools'] })).toEqual([])
  })

  test('a window that is too small excludes', async () => {
    providers.add(openai, ['gpt-4', 'gpt-4.1'])
    expect(await names({ minimumContextTokens: 50_000 })).toEqual(['openai/gpt-4.1'])
    expect(await whyNot('openai/gpt-4', { minimumContextTokens: 50_000 })).toContain('8192')
  })

  test('what is no text model is never chosen', async () => {
    providers.add(openai, ['gpt-5', 'text-embedding-3-small', 'gpt-image-1'])
    providers.add(ollama, [ollamaModel('mystery', ['embedding'])])
    expect(await names()).toEqual(['openai/gpt-5'])
    expect(await whyNot('ollama/mystery')).toBe('it is no text model')
  })
})

describe('exclusions', () => {
  test('a cooling model is out until its time, which the choice tells', async () => {
    providers.add(openai, ['gpt-5', 'gpt-4o'])
    cooling.set('openai/gpt-5', clock.now() + 60_000)
    const choice = await choose()
    expect(choice.chain.map(({ model }) => model.modelId)).toEqual(['gpt-4o'])
    expect(choice.excluded).toMatchObject([{ name: 'openai/gpt-5', untilMs: clock.now() + 60_000 }])
    await clock.advance(60_000)
    expect(await names()).toContain('openai/gpt-5')
  })

  test('a cooling provider takes all its models with it', async () => {
    providers.add(openai, ['gpt-5', 'gpt-4o'])
    cooling.set('openai', clock.now() + 60_000)
    expect(await names()).toEqual([])
    expect(await names({ pin: 'openai/gpt-5' })).toEqual([])
  })

  test('a provider that cannot be listed is named with the reason', async () => {
    providers.add(openai, new Error('connect ECONNREFUSED'))
    expect(await whyNot('openai')).toContain('ECONNREFUSED')
  })

  test('a provider without its key is named once, not model by model', async () => {
    providers.add(openai, ['gpt-5', 'gpt-4o'], { problem: 'there is no key' })
    const { excluded } = await choose()
    expect(excluded).toEqual([{ name: 'openai', reason: 'its provider cannot be used: there is no key' }])
  })

  test.each([
    ['disabled', { enabled: false } satisfies Partial<Provider>, 'it is disabled'],
    ['without its key', {}, 'there is no key'],
  ])('a pinned model of a provider that is %s is out', async (_name, change, reason) => {
    providers.add({ ...openai, ...change }, ['gpt-5'], { problem: 'there is no key' })
    providers.add(anthropic, ['claude-haiku-4-5'])
    const choice = await choose({ pin: 'openai/gpt-5' })
    expect(choice.chain).toEqual([])
    expect(choice.excluded[0]?.reason).toContain(reason)
  })
})

describe('pins', () => {
  beforeEach(() => {
    providers.add(openai, ['gpt-5', 'gpt-4o', 'gpt-3.5-turbo'])
    providers.add(anthropic, ['claude-opus-4-5'])
  })
  const pinned = { id: 'engineer', needs: [], modelPin: 'anthropic/claude-opus-4-5' } as const

  test('the job wins over the role, the role over the default, the default over the policy', async () => {
    const all = { pin: 'openai/gpt-4o', role: pinned, defaultModel: 'openai/gpt-3.5-turbo' }
    expect(await names(all)).toEqual(['openai/gpt-4o'])
    expect(await names({ ...all, pin: null })).toEqual(['anthropic/claude-opus-4-5'])
    expect(await names({ ...all, pin: null, role: engineer })).toEqual(['openai/gpt-3.5-turbo'])
  })

  test('a pinned model is taken although it lacks something, and the reason says so', async () => {
    const [first] = (await choose({ pin: 'openai/gpt-3.5-turbo', needs: ['vision'] })).chain
    expect(first?.reason).toBe('pinned for this job, although: it does not offer vision (catalog)')
  })

  test('nothing replaces a pinned model that cannot be used', async () => {
    cooling.set('openai/gpt-5', clock.now() + 1)
    expect(await names({ pin: 'openai/gpt-5' })).toEqual([])
    expect(await names({ pin: 'openai/gpt-9' })).toEqual([])
    expect(await whyNot('openai/gpt-9', { pin: 'openai/gpt-9' })).toContain('no provider lists it')
  })

  test('a provider alone pins its best model', async () => {
    expect((await names({ pin: 'openai' }))[0]).toBe('openai/gpt-5')
    expect(await names({ pin: 'nowhere' })).toEqual([])
  })
})

describe('simulated models', () => {
  test('are not chosen silently', async () => {
    providers.add(rehearsal, ['rehearsal'])
    expect(await names()).toEqual([])
    expect(await whyNot('rehearsal/rehearsal')).toContain('simulated')
  })

  test('stand in where the caller allows it and nothing else is usable', async () => {
    expect(await names({ allowRehearsal: true, needs: ['vision'] })).toEqual(['rehearsal/rehearsal'])
    providers.add(openai, ['gpt-5'])
    expect(await names({ allowRehearsal: true, needs: ['vision'] })).toEqual(['openai/gpt-5'])
  })

  test('do not stand in for a model that only cools down', async () => {
    providers.add(openai, ['gpt-5'])
    cooling.set('openai/gpt-5', clock.now() + 1000)
    const choice = await choose({ allowRehearsal: true })
    expect(choice.chain).toEqual([])
    expect(choice.excluded).toMatchObject([{ untilMs: clock.now() + 1000 }])
  })

  test('are used when pinned', async () => {
    providers.add(openai, ['gpt-5'])
    expect(await names({ pin: 'rehearsal/rehearsal' })).toEqual(['rehearsal/rehearsal'])
    expect(await names({ pin: 'rehearsal' })).toEqual(['rehearsal/rehearsal'])
  })
})
