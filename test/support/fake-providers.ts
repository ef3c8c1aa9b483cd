import { OrchError } from '../../src/errors/orch-error.ts'
import type { ProviderDirectory } from '../../src/models/model-registry.ts'
import type { ListedModel, Provider } from '../../src/providers/provider.ts'

/** A provider with defaults; its label is its id. */
export function aProvider(overrides: Partial<Provider> & Pick<Provider, 'id' | 'kind'>): Provider {
  return {
    label: overrides.id,
    baseUrl: '',
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    origin: 'database',
    local: false,
    ...overrides,
  }
}

type Listing = readonly (string | ListedModel)[] | Error

/** Providers in memory whose lists a test sets and changes. As in the real one, `rehearsal` exists without being listed. */
export class FakeProviders implements ProviderDirectory {
  readonly #providers: { provider: Provider; listing: Listing; problem: string | null }[] = []
  /** Ids of the providers whose list was asked for, in order. */
  readonly asked: string[] = []

  add(provider: Provider, listing: Listing, options: { readonly problem?: string } = {}): Provider {
    this.#providers.push({ provider, listing, problem: options.problem ?? null })
    return provider
  }

  relist(provider: Provider, listing: Listing): void {
    for (const one of this.#providers) if (one.provider.id === provider.id) one.listing = listing
  }

  async list(): Promise<readonly Provider[]> {
    return this.#providers.map((one) => one.provider)
  }

  async get(id: string): Promise<Provider> {
    const found = this.#providers.find((one) => one.provider.id === id)
    if (found !== undefined) return found.provider
    if (id === 'rehearsal') return aProvider({ id, kind: 'rehearsal', local: true })
    throw new OrchError('ORCH_NOT_FOUND', `There is no provider ${id}`)
  }

  async problem(provider: Provider): Promise<string | null> {
    return this.#providers.find((one) => one.provider.id === provider.id)?.problem ?? null
  }

  async listModels(provider: Provider): Promise<readonly ListedModel[]> {
    this.asked.push(provider.id)
    const known = this.#providers.find((one) => one.provider.id === provider.id)
    const listing = known?.listing ?? ['rehearsal']
    if (listing instanceof Error) throw listing
    return listing.map((one) => (typeof one === 'string' ? { modelId: one, data: { id: one } } : one))
  }
}
