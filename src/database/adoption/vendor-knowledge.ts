import type { StoredModel } from '../repositories/model-repository.ts'
import type { StoredProvider } from '../repositories/provider-config-repository.ts'

/** What is known of a model of the other application, for the layers orch keeps of it. */
export interface ForeignModel {
  readonly modelId: string
  readonly providerData: unknown
  /** The other application's own layers, of any shape. */
  readonly aiData: unknown
  readonly specs: unknown
  /** When that was written, in epoch milliseconds. */
  readonly at: number
}

/**
 * What the layers above the database know of vendors and models, handed down to the adoption. An address
 * is checked and put into orch's form; a string result is the reason why it cannot be used.
 */
export interface VendorKnowledge {
  /** orch's kind for a type as the other application writes it, or null. `openai`, `OpenAI` and `open_ai` are one. */
  kindOf(type: string): string | null
  /** The address to store, null for the vendor's own, or why there is none. */
  baseUrl(kind: string, given: string | null): { readonly baseUrl: string | null } | { readonly reason: string }
  /** Whether calls of the kind need a key, as far as nobody says otherwise. */
  needsKey(kind: string, baseUrl: string | null): boolean
  /** The environment variable in which people keep the vendor's key, or null. */
  keyVariable(kind: string): string | null
  /** The layers `ai_data` and `specs` of a model. */
  layers(provider: StoredProvider, model: ForeignModel): Promise<Pick<StoredModel, 'aiData' | 'specs'>>
}
