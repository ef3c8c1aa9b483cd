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

  /**
   * Null where several could be meant, or none. One that is not stored but named like a vendor is that vendor
   * as the environment knows it, whose id is its kind.
   */
  find(name: string): StoredProvider | null {
    const known = this.#byId.get(name)
    if (known !== undefined) return known
    const bearers = this.#byName.get(foldedName(name))
    if (bearers !== undefined) return bearers.size === 1 ? ([...bearers][0] ?? null) : null
    const kind = this.#knowledge.kindOf(name)
    return kind === null || 'reason' in this.#knowledge.baseUrl(kind, null) ? null : vendorItself(kind)
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
