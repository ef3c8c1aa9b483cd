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

/** Providers in memory whose lists a test sets and changes. */
export class FakeProviders implements ProviderDirectory {
  readonly #providers: { provider: Provider; listing: Listing; usable: boolean }[] = []
  /** Ids of the providers whose list was asked for, in order. */
  readonly asked: string[] = []

  add(provider: Provider, listing: Listing, options: { readonly usable?: boolean } = {}): Provider {
    this.#providers.push({ provider, listing, usable: options.usable ?? provider.enabled })
    return provider
  }

  relist(provider: Provider, listing: Listing): void {
    for (const one of this.#providers) if (one.provider.id === provider.id) one.listing = listing
  }

  async list(): Promise<readonly Provider[]> {
    return this.#providers.map((one) => one.provider)
  }

  async usable(): Promise<readonly Provider[]> {
    return this.#providers.filter((one) => one.usable).map((one) => one.provider)
  }

  async listModels(provider: Provider): Promise<readonly ListedModel[]> {
    this.asked.push(provider.id)
    const listing = this.#providers.find((one) => one.provider.id === provider.id)?.listing ?? []
    if (listing instanceof Error) throw listing
    return listing.map((one) => (typeof one === 'string' ? { modelId: one, data: { id: one } } : one))
  }
}
