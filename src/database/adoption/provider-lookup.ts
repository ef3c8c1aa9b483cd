import type { StoredProvider } from '../repositories/provider-config-repository.ts'
import { foldedName } from './source-table.ts'
import type { VendorKnowledge } from './vendor-knowledge.ts'

/** Finds the provider that a row of another table means: by id, else by its only bearer of a label or type. */
export class ProviderLookup {
  readonly #byId = new Map<string, StoredProvider>()
  readonly #byName = new Map<string, Set<StoredProvider>>()
  readonly #knowledge: VendorKnowledge

  constructor(knowledge: VendorKnowledge) {
    this.#knowledge = knowledge
  }

  /** @param sourceId and `type` as the other application writes them. */
  add(sourceId: string, type: string, provider: StoredProvider): void {
    this.#byId.set(sourceId, provider)
    for (const name of new Set([type, provider.label, provider.kind].map(foldedName))) {
      const bearers = this.#byName.get(name) ?? new Set()
      this.#byName.set(name, bearers.add(provider))
    }
  }

  /** The one that is meant, or why there is none. */
  find(name: string): StoredProvider | { readonly reason: string } {
    const [first, ...others] = this.all(name)
    if (first === undefined) return { reason: `its provider ${name} was not imported` }
    return others.length === 0 ? first : { reason: `several providers are called ${name}` }
  }

  /**
   * All that could be meant. One that is not stored but named like a vendor is that vendor as the environment
   * knows it, whose id is its kind.
   */
  all(name: string): readonly StoredProvider[] {
    const known = this.#byId.get(name)
    if (known !== undefined) return [known]
    const bearers = this.#byName.get(foldedName(name))
    if (bearers !== undefined) return [...bearers]
    const kind = this.#knowledge.kindOf(name)
    return kind === null || 'reason' in this.#knowledge.baseUrl(kind, null) ? [] : [vendorItself(kind)]
  }
}

function vendorItself(kind: string): StoredProvider {
  return {
    id: kind,
    label: kind,
    kind,
    baseUrl: null,
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
  }
}
