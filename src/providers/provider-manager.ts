/** Every provider orch knows: stored, named by the environment, or found on this machine; and the way to each. */
import type { Capabilities } from '../database/capabilities.ts'
import type { Database } from '../database/connection.ts'
import { readProviderConfigs, type StoredProvider } from '../database/repositories/provider-config-repository.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { Credentials } from './credentials.ts'
import { detectLocalProviders, environmentProviders } from './detection.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { requestJson } from './json-request.ts'
import type { ModelClient } from './model-client.ts'
import type { ListedModel, Provider } from './provider.ts'
import { rehearsalProvider } from './rehearsal-settings.ts'
import type { HttpProviderKind } from './vendor.ts'
import { toProvider } from './stored-provider.ts'
import { vendorOf } from './vendors.ts'

export interface ProviderManagerDeps {
  readonly database: () => Promise<Database>
  readonly tables: () => Promise<Pick<Capabilities, 'has'>>
  readonly databaseIsTrusted: () => Promise<boolean>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly userConfigDir: string
}

const listTimeoutMs = 15_000
/** How long an answer of the local ports counts. */
const detectionAgeMs = 30_000

export class ProviderManager {
  readonly credentials: Credentials
  readonly #deps: ProviderManagerDeps
  readonly #clients = new Map<string, Promise<ModelClient>>()
  #detected: { readonly atMs: number; readonly providers: Promise<readonly Provider[]> } | null = null

  constructor(deps: ProviderManagerDeps) {
    this.#deps = deps
    this.credentials = new Credentials({ userConfigDir: deps.userConfigDir, env: deps.env })
  }

  /**
   * Stored providers, then those of the environment, then those on local ports, disabled ones included. A
   * stored provider hides others with its id or address. Without the table, or in a database that is not
   * trusted, nothing counts as stored. `detect: false` asks no port.
   */
  async list({ detect = true }: { readonly detect?: boolean } = {}): Promise<readonly Provider[]> {
    const detected = detect ? await this.#detect() : []
    const known: Provider[] = []
    for (const provider of [...(await this.#stored()), ...environmentProviders(this.#deps.env), ...detected]) {
      if (!known.some((other) => other.id === provider.id || isSameServer(other, provider))) known.push(provider)
    }
    return known
  }

  /** How many stored providers are ignored because their database is not trusted. */
  async ignoredCount(): Promise<number> {
    return (await this.#deps.databaseIsTrusted()) ? 0 : (await this.#rows()).length
  }

  /** One provider by id; `rehearsal` always exists. Throws ORCH_NOT_FOUND. */
  async get(id: string): Promise<Provider> {
    const quick = (await this.list({ detect: false })).find((provider) => provider.id === id)
    const found = quick ?? (id === 'rehearsal' ? rehearsalProvider() : undefined)
    if (found !== undefined) return found
    const all = await this.list()
    const detected = all.find((provider) => provider.id === id)
    if (detected !== undefined) return detected
    const known = all.length === 0 ? waysToAdd : `Known providers: ${all.map((provider) => provider.id).join(', ')}`
    const isStorable = await (await this.#deps.tables()).has('provider_config')
    throw new OrchError('ORCH_NOT_FOUND', `There is no provider ${id}`, {
      hint: isStorable
        ? known
        : 'Nothing is stored without the table provider_config: create it with `orch db migrate`',
    })
  }

  /** Enabled providers whose credential can be had. The rehearsal provider only where somebody stored it. */
  async usable(): Promise<readonly Provider[]> {
    const usable: Provider[] = []
    for (const provider of await this.list()) {
      if (provider.enabled && (await this.problem(provider)) === null) usable.push(provider)
    }
    return usable
  }

  /** Why a provider cannot be called, as far as that is known without calling it; null if nothing is known. */
  async problem(provider: Provider): Promise<string | null> {
    if (provider.kind === 'rehearsal') return null
    if (!URL.canParse(provider.baseUrl)) return 'its base URL is no address'
    if (provider.credential === null) return null
    return this.credentials.problem(provider.credential, provider.baseUrl)
  }

  /** The connection to a provider, the same one for the same provider. */
  client(provider: Provider): Promise<ModelClient> {
    const key = JSON.stringify([provider.id, provider.kind, provider.baseUrl, provider.credential])
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const client = this.#connect(provider)
    this.#clients.set(key, client)
    return client
  }

  /** Asks a provider for its models. Throws ProviderError, and the credential's errors. */
  async listModels(provider: Provider, signal: AbortSignal): Promise<readonly ListedModel[]> {
    if (provider.kind === 'rehearsal') return (await import('./kinds/rehearsal.ts')).rehearsalModels
    const vendor = vendorOf(provider.kind)
    const { baseUrl } = provider
    const fetch = this.#fetchFor(provider, provider.kind)
    const options = { source: sourceOf(provider), fetch, clock: this.#deps.clock, signal, timeoutMs: listTimeoutMs }
    return vendor.listModels({ baseUrl, fetchJson: (path, body) => requestJson(`${baseUrl}${path}`, body, options) })
  }

  async #connect(provider: Provider): Promise<ModelClient> {
    const { clock } = this.#deps
    if (provider.kind === 'rehearsal') {
      const { createRehearsalClient } = await import('./kinds/rehearsal.ts')
      return createRehearsalClient({ providerId: provider.id, address: provider.baseUrl, clock })
    }
    const { createAiSdkClient } = await import('./ai-sdk-client.ts')
    const fetch = this.#fetchFor(provider, provider.kind)
    return createAiSdkClient({ source: sourceOf(provider), vendor: vendorOf(provider.kind), fetch, clock })
  }

  #fetchFor({ credential, baseUrl }: Provider, kind: HttpProviderKind): typeof globalThis.fetch {
    const readKey = async () => (credential === null ? null : this.credentials.read(credential, baseUrl))
    return createGuardedFetch({ vendor: vendorOf(kind), baseUrl, readKey })
  }

  async #stored(): Promise<readonly Provider[]> {
    if (!(await this.#deps.databaseIsTrusted())) return []
    return (await this.#rows()).flatMap((row) => toProvider(row) ?? [])
  }

  async #rows(): Promise<readonly StoredProvider[]> {
    const tables = await this.#deps.tables()
    return (await tables.has('provider_config')) ? readProviderConfigs((await this.#deps.database()).db) : []
  }

  #detect(): Promise<readonly Provider[]> {
    const { env, clock } = this.#deps
    const nowMs = clock.monotonic()
    if (this.#detected === null || nowMs - this.#detected.atMs > detectionAgeMs) {
      const signal = new AbortController().signal
      this.#detected = { atMs: nowMs, providers: detectLocalProviders({ env, clock, signal }) }
    }
    return this.#detected.providers
  }
}

/** What to tell somebody who has no provider. */
export const waysToAdd =
  'Set OPENAI_API_KEY or another vendor key, start Ollama, or run `orch providers add <id> --kind <kind>`'

function sourceOf({ id, kind, local, baseUrl }: Provider) {
  return { providerId: id, kind, local, baseUrl }
}

function isSameServer(one: Provider, other: Provider): boolean {
  // Two vendors' accounts may well live at one gateway; only a detected server is the same as a known one.
  return other.origin === 'detected' && originOf(one.baseUrl) === originOf(other.baseUrl)
}

function originOf(baseUrl: string): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).origin.replace('//localhost', '//127.0.0.1') : baseUrl
}
