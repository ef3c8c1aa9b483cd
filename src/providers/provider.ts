/** The kinds of provider orch speaks to. */
export const providerKinds = [
  'openai',
  'anthropic',
  'google',
  'mistral',
  'groq',
  'openrouter',
  'ollama',
  'openai-compatible',
  'rehearsal',
] as const
export type ProviderKind = (typeof providerKinds)[number]

export interface Provider {
  readonly id: string
  readonly label: string
  readonly kind: ProviderKind
  readonly baseUrl: string
  /** The name of a credential; its source lives in the user's configuration directory. */
  readonly credential: string | null
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly maxConcurrency: number | null
  readonly enabled: boolean
  /** Where orch learned of it. Only `database` rows can be edited; the rehearsal provider is built in. */
  readonly origin: 'database' | 'environment' | 'detected' | 'built-in'
  /** On loopback: calls cost nothing (source `local`). */
  readonly local: boolean
}

/** One entry of a provider's own model list. */
export interface ListedModel {
  readonly modelId: string
  /** The entry as the provider sent it. */
  readonly data: unknown
}
