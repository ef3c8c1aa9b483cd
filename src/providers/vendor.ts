/** What every kind of provider reached over HTTP declares. One file per kind under `kinds/`, all of this shape. */
import type { LanguageModel } from 'ai'
import type { ListedModel, ProviderKind } from './provider.ts'

export type HttpProviderKind = Exclude<ProviderKind, 'rehearsal'>

/** How a reply's schema is asked for: natively, or as plain JSON with the schema written into the prompt. */
export type SchemaDialect = 'json_schema' | 'json_object'

export interface ListRequest {
  readonly baseUrl: string
  /** Requests a path below the base URL (or an absolute path of its origin) and returns the parsed JSON. Throws ProviderError. */
  fetchJson(path: string, body?: unknown): Promise<unknown>
}

export interface LanguageModelSettings {
  readonly baseUrl: string
  readonly modelId: string
  /** Adds the key and guards the address; the SDK itself never sees a key. */
  readonly fetch: typeof globalThis.fetch
}

export interface Vendor {
  readonly kind: HttpProviderKind
  readonly label: string
  /** Null where a person must name the address. */
  readonly defaultBaseUrl: string | null
  /** Path of the API where a base URL names only a host. */
  readonly defaultPath: string
  /** Environment variables that hold a key, best first. */
  readonly keyVariables: readonly string[]
  /** Environment variables by which the user moves the vendor's address. */
  readonly baseUrlVariables: readonly string[]
  /** Headers that carry the key. A key is never put into an address. */
  authorize(key: string): Readonly<Record<string, string>>
  /** Headers of every request, with or without a key. */
  readonly headers: Readonly<Record<string, string>>
  /** The vendor's own list of models, each entry as it came. */
  listModels(request: ListRequest): Promise<readonly ListedModel[]>
  schemaDialect(modelId: string): SchemaDialect
  /** Loads the vendor's SDK package on first use. */
  languageModel(settings: LanguageModelSettings): Promise<LanguageModel>
}

/** `Authorization: Bearer`, as OpenAI and those who follow it do. */
export function bearerKey(key: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}` }
}

/** Stands where an SDK insists on a key; the guarded fetch replaces it. */
export const placeholderKey = 'orch-sets-the-key-per-request'
