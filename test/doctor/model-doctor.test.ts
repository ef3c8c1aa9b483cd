import { beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { ModelDoctor, type Examination } from '../../src/doctor/model-doctor.ts'
import { ModelRegistry } from '../../src/models/model-registry.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aProvider, FakeProviders } from '../support/fake-providers.ts'
import { missingTables, presentTables } from '../support/table-probe.ts'

let clock: FakeClock
let providers: FakeProviders
const openrouter = aProvider({ id: 'openrouter', kind: 'openrouter' })
const openai = aProvider({ id: 'openai', kind: 'openai' })

beforeEach(() => {
  clock = new FakeClock()
  providers = new FakeProviders()
})

async function synced(database: Database): Promise<ModelRegistry> {
  const registry = new ModelRegistry({ database, clock, tables: presentTables, trusted: true }, providers)
  for (const provider of await providers.list()) await registry.sync(provider)
  return registry
}

/** An OpenRouter entry of gpt-4o-mini (128,000 tokens, $0.15 and $0.60 in the catalog), with changes. */
function miniWith(change: Readonly<Record<string, unknown>>) {
  const data = {
    context_length: 128_000,
    pricing: { prompt: '0.00000015', completion: '0.0000006', input_cache_read: '0.000000075' },
    supported_parameters: ['tools', 'structured_outputs'],
    architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
    ...change,
  }
  return [{ modelId: 'openai/gpt-4o-mini', data }]
}

const brief = ({ findings }: Examination) =>
  findings.map(({ field, problem, before, after }) => [field, problem, before?.value ?? null, after?.value ?? null])

async function rewrite(database: Database, specs: unknown): Promise<void> {
  await database.db
    .updateTable('model_registry')
    .set({ specs: JSON.stringify(specs) })
    .execute()
}

describeEachDatabase('the model doctor', (open) => {
  test('finds nothing wrong with a sound model', async () => {
    providers.add(openrouter, miniWith({}))
    providers.add(openai, ['gpt-5', 'text-embedding-3-small'])
    const examination = await new ModelDoctor(await synced(await open())).examine()
    expect(brief(examination)).toEqual([])
    expect(examination.examined).toBe(2)
  })

  test('a window with a digit too few is replaced by the catalog, and the next sync does not bring it back', async () => {
    providers.add(openrouter, miniWith({ context_length: 12_800 }))
    const registry = await synced(await open())
    const doctor = new ModelDoctor(registry)
    const examination = await doctor.examine()
    expect(brief(examination)).toContainEqual(['contextTokens', 'contradictory', 12_800, 128_000])
    expect(await doctor.heal(examination)).toBe(1)
    const name = 'openrouter/openai/gpt-4o-mini'
    expect((await registry.get(name))?.specs.contextTokens).toMatchObject({ value: 128_000, source: 'catalog' })
    await registry.sync(openrouter)
    expect((await registry.get(name))?.specs.contextTokens?.value).toBe(128_000)
    expect(brief(await doctor.examine())).toEqual([])
    providers.relist(openrouter, miniWith({ context_length: 130_000 }))
    await registry.sync(openrouter)
    expect((await registry.get(name))?.specs.contextTokens).toMatchObject({ value: 130_000, source: 'provider' })
  })

  test('an output larger than the window is ruled out', async () => {
    providers.add(openrouter, miniWith({ top_provider: { context_length: 128_000, max_completion_tokens: 500_000 } }))
    const doctor = new ModelDoctor(await synced(await open()))
    expect(brief(await doctor.examine())).toEqual([['maxOutputTokens', 'contradictory', 500_000, 16_384]])
  })

  test('a price of 0 where the catalog charges is replaced', async () => {
    providers.add(openrouter, miniWith({ pricing: { prompt: '0', completion: '0' } }))
    const registry = await synced(await open())
    const doctor = new ModelDoctor(registry)
    await doctor.heal(await doctor.examine())
    const [model] = await registry.list()
    expect(model?.specs.price).toMatchObject({ source: 'catalog', value: { outputUsdPerMillion: 0.6 } })
  })

  test('missing values come from the best source; what nobody knows is said', async () => {
    providers.add(openai, ['gpt-5', 'unheard-of'])
    const database = await open()
    const registry = await synced(database)
    await rewrite(database, { capabilities: {} })
    registry.forget()
    const doctor = new ModelDoctor(registry)
    const examination = await doctor.examine()
    const of = (id: string) => examination.findings.filter(({ model }) => model.modelId === id)
    expect(of('gpt-5').map(({ field }) => field)).toContain('price')
    expect(of('gpt-5').every(({ problem, after }) => problem === 'missing' && after?.source === 'catalog')).toBe(true)
    expect(of('unheard-of').map(({ field, after }) => [field, after])).toEqual([
      ['contextTokens', null],
      ['price', null],
      ['tools', null],
    ])
    expect(await doctor.heal(examination)).toBe(1)
    expect(brief(await doctor.examine())).toHaveLength(3)
  })

  test('never changes what an operator set, even where it cannot be right', async () => {
    providers.add(openai, ['gpt-5'])
    const database = await open()
    const registry = await synced(database)
    const operator = (value: number) => ({ value, source: 'operator', confidence: 1, at: 1 })
    await rewrite(database, { capabilities: {}, contextTokens: operator(1000), maxOutputTokens: operator(2000) })
    registry.forget()
    const doctor = new ModelDoctor(registry)
    const examination = await doctor.examine()
    expect(examination.findings[0]).toMatchObject({ field: 'contextTokens', problem: 'contradictory' })
    await doctor.heal(examination)
    expect((await registry.get('openai/gpt-5'))?.specs).toMatchObject({
      contextTokens: operator(1000),
      maxOutputTokens: operator(2000),
      capabilities: { tools: { value: true } },
    })
  })

  test('a list that was not asked for a month is stale', async () => {
    providers.add(openai, ['gpt-5'])
    const registry = await synced(await open())
    await clock.advance(31 * 86_400_000)
    const { findings, cures } = await new ModelDoctor(registry).examine()
    expect(findings).toMatchObject([{ field: 'listing', problem: 'stale' }])
    expect(findings[0]?.reason).toContain('31 days')
    expect(cures).toEqual([])
  })

  test('what the catalog says today replaces what it said then', async () => {
    providers.add(openai, ['gpt-5'])
    const database = await open()
    const registry = await synced(database)
    const [kept] = await registry.list()
    const old = { ...kept?.keptSpecs, contextTokens: { value: 300_000, source: 'catalog', confidence: 0.9, at: 1 } }
    await rewrite(database, old)
    registry.forget()
    expect(brief(await new ModelDoctor(registry).examine())).toEqual([['contextTokens', 'stale', 300_000, 400_000]])
  })

  test('examines models that are not stored, and offers no cure for them', async () => {
    providers.add(openrouter, miniWith({ context_length: 12_800 }))
    const database = await open({ migrate: false })
    const tables = missingTables('model_registry')
    const registry = new ModelRegistry({ database, clock, tables, trusted: true }, providers)
    const examination = await new ModelDoctor(registry).examine()
    expect(brief(examination)).toContainEqual(['contextTokens', 'contradictory', 12_800, 128_000])
    expect(examination.cures).toEqual([])
  })
})
