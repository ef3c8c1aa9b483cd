import {
  markVanished,
  readModels,
  writeLayers,
  writeModel,
  type StoredModel,
} from '../database/repositories/model-repository.ts'
import type { ModelNeed } from '../domain/plan.ts'
import { errorMessage, OrchError } from '../errors/orch-error.ts'
import type { ListedModel, Provider } from '../providers/provider.ts'
import { describeListed, describeStored, makeLayers, type Layers, type RegisteredModel } from './describe-model.ts'
import type { ModelStore } from './model-store.ts'

/** The part of ProviderManager that the models ask. */
export interface ProviderDirectory {
  list(): Promise<readonly Provider[]>
  /** One by id; `rehearsal` always exists, although it is not listed. Throws ORCH_NOT_FOUND. */
  get(id: string): Promise<Provider>
  /** Why a provider cannot be called, as far as that is known without calling it; null if nothing is known. */
  problem(provider: Provider): Promise<string | null>
  listModels(provider: Provider, signal: AbortSignal): Promise<readonly ListedModel[]>
}

export interface ModelFilter {
  readonly providerId?: string
  readonly capability?: ModelNeed
  /** The price of a million output tokens at most; models of unknown price are left out. */
  readonly maxOutputUsdPerMillion?: number
  /** Models of unknown context are left out. */
  readonly minimumContextTokens?: number
}

/** What a sync found. Names are model ids. */
export interface SyncReport {
  readonly provider: Provider
  /** False where there is no table to store in, or the database is not trusted. */
  readonly stored: boolean
  readonly listed: number
  readonly added: readonly string[]
  readonly returned: readonly string[]
  readonly vanished: readonly string[]
}

/** A provider whose models are not stored and could not be listed. */
export interface ListingFailure {
  readonly provider: Provider
  readonly message: string
}

/** New layers of one model. */
export interface LayerChange extends Layers {
  readonly model: RegisteredModel
}

export interface Survey {
  readonly providers: readonly Provider[]
  readonly models: readonly RegisteredModel[]
  readonly failures: readonly ListingFailure[]
}

interface Remembered<T> {
  readonly untilMs: number
  readonly value: Promise<T>
}

const rememberStoredMs = 5_000
const rememberListedMs = 300_000
const never = new AbortController().signal

/**
 * Every model orch knows, in three layers. Providers with rows in `model_registry` are answered from there;
 * the others are asked for their list, which is then not stored (`stored: false`): without the table, before
 * the first sync, and in a database that the user does not trust.
 */
export class ModelRegistry {
  readonly #store: ModelStore
  readonly #providers: ProviderDirectory
  #rows: Remembered<readonly StoredModel[]> | null = null
  /** What was made of the remembered rows, by provider: hundreds of models are not described for every call. */
  readonly #described = new Map<string, Promise<readonly RegisteredModel[]>>()
  readonly #listings = new Map<string, Remembered<readonly RegisteredModel[] | ListingFailure>>()

  constructor(store: ModelStore, providers: ProviderDirectory) {
    this.#store = store
    this.#providers = providers
  }

  /** The known models that pass the filter, by provider and id. */
  async list(filter: ModelFilter = {}, signal: AbortSignal = never): Promise<readonly RegisteredModel[]> {
    const { models } = await this.survey(filter, signal)
    return models
  }

  /** The same, with the providers that were looked at and those that could not be asked. */
  async survey(filter: ModelFilter = {}, signal: AbortSignal = never): Promise<Survey> {
    const { providerId } = filter
    const providers = providerId === undefined ? await this.#providers.list() : await this.#providerNamed(providerId)
    const found = await Promise.all(
      providers.map(async (one) => this.#modelsOf(one, (await this.problem(one)) === null, signal)),
    )
    return {
      providers,
      models: found.flatMap((one) => ('message' in one ? [] : one)).filter((model) => passes(model, filter)),
      failures: found.flatMap((one) => ('message' in one ? [one] : [])),
    }
  }

  /**
   * The model named `provider/model`, or null where the provider does not list it or does not exist. One
   * whose list cannot be had is taken at its name, with what the catalog knows, so that a pin still works.
   */
  async get(name: string, signal: AbortSignal = never): Promise<RegisteredModel | null> {
    const { providerId, modelId } = splitModelName(name)
    const [provider] = modelId === null ? [] : await this.#providerNamed(providerId)
    if (provider === undefined || modelId === null) return null
    const models = await this.#modelsOf(provider, (await this.problem(provider)) === null, signal)
    if ('message' in models || (models.length === 0 && (await this.problem(provider)) !== null)) {
      return describeListed(provider, { modelId, data: null }, this.#store.clock.now())
    }
    return models.find((model) => model.modelId === modelId) ?? null
  }

  /** Why no call may go to the provider, or null. */
  async problem(provider: Provider): Promise<string | null> {
    return provider.enabled ? this.#providers.problem(provider) : 'it is disabled'
  }

  /** The time by which cooldowns and prices are judged. */
  now(): number {
    return this.#store.clock.now()
  }

  /**
   * Reads the provider's list and stores every entry verbatim, with the layers made from it. Models that are
   * no longer listed are marked as vanished, never deleted. Throws ProviderError when the provider fails.
   */
  async sync(provider: Provider, signal: AbortSignal = never): Promise<SyncReport> {
    const at = this.#store.clock.now()
    const listed = new Map((await this.#providers.listModels(provider, signal)).map((one) => [one.modelId, one]))
    this.#listings.delete(provider.id)
    if (!(await this.#storesModels())) {
      return { provider, stored: false, listed: listed.size, added: [], returned: [], vanished: [] }
    }
    const known = new Map((await readModels(this.#store.database.db, provider.id)).map((row) => [row.modelId, row]))
    const rows = await Promise.all(
      [...listed.values()].map(async (one) => toRow(provider, one, { at, previous: known.get(one.modelId) ?? null })),
    )
    const vanished = [...known.values()].filter((row) => row.lifecycle === 'active' && !listed.has(row.modelId))
    await this.#store.database.write(async (trx) => {
      for (const row of rows) await writeModel(trx, row, at)
      await markVanished(trx, vanished, at)
    })
    this.forget()
    return {
      provider,
      stored: true,
      listed: listed.size,
      added: rows.filter((row) => !known.has(row.modelId)).map((row) => row.modelId),
      returned: rows.filter((row) => known.get(row.modelId)?.lifecycle === 'vanished').map((row) => row.modelId),
      vanished: vanished.map((row) => row.modelId),
    }
  }

  /**
   * Replaces the layers `ai_data` and `specs` of stored models; what the providers said stays as it is.
   * Throws ORCH_TABLE_MISSING without the table.
   */
  async replaceLayers(changes: readonly LayerChange[]): Promise<void> {
    const { database, tables, clock } = this.#store
    await tables.require(['model_registry'], 'changing models')
    const at = clock.now()
    await database.write(async (trx) => {
      for (const { model, aiData, specs } of changes) {
        await writeLayers(trx, { providerId: model.provider.id, modelId: model.modelId, aiData, specs }, at)
      }
    })
    this.forget()
  }

  /** Drops what was remembered, after a change of the table. */
  forget(): void {
    this.#rows = null
    this.#described.clear()
    this.#listings.clear()
  }

  /** The provider with the id, or none. */
  async #providerNamed(id: string): Promise<readonly Provider[]> {
    try {
      return [await this.#providers.get(id)]
    } catch (error) {
      if (error instanceof OrchError && error.code === 'ORCH_NOT_FOUND') return []
      throw error
    }
  }

  async #storesModels(): Promise<boolean> {
    return this.#store.trusted && (await this.#store.tables.has('model_registry'))
  }

  async #modelsOf(
    provider: Provider,
    mayAsk: boolean,
    signal: AbortSignal,
  ): Promise<readonly RegisteredModel[] | ListingFailure> {
    const stored = await this.#storedModels(provider)
    if (stored.length > 0) return stored
    return mayAsk ? this.#listLive(provider, signal) : []
  }

  async #storedModels(provider: Provider): Promise<readonly RegisteredModel[]> {
    const rows = (await this.#storedRows()).filter((row) => row.providerId === provider.id)
    const key = JSON.stringify(provider)
    const known = this.#described.get(key)
    if (known !== undefined) return known
    const at = this.#store.clock.now()
    const described = Promise.all(rows.map((row) => describeStored(provider, row, at)))
    this.#described.set(key, described)
    return described
  }

  async #storedRows(): Promise<readonly StoredModel[]> {
    const now = this.#store.clock.monotonic()
    if (this.#rows === null || this.#rows.untilMs < now) {
      const value = this.#storesModels().then((stores) => (stores ? readModels(this.#store.database.db) : []))
      this.#rows = { untilMs: now + rememberStoredMs, value }
      this.#described.clear()
      // A failed read is no answer to remember.
      value.catch(() => (this.#rows = null))
    }
    return this.#rows.value
  }

  #listLive(provider: Provider, signal: AbortSignal): Promise<readonly RegisteredModel[] | ListingFailure> {
    const now = this.#store.clock.monotonic()
    const known = this.#listings.get(provider.id)
    if (known !== undefined && known.untilMs >= now) return known.value
    const value = this.#ask(provider, signal)
    this.#listings.set(provider.id, { untilMs: now + rememberListedMs, value })
    return value
  }

  async #ask(provider: Provider, signal: AbortSignal): Promise<readonly RegisteredModel[] | ListingFailure> {
    try {
      const listed = await this.#providers.listModels(provider, signal)
      const at = this.#store.clock.now()
      return await Promise.all(listed.map((one) => describeListed(provider, one, at)))
    } catch (error) {
      // The next question asks again: the provider may be back, and an aborted question is no answer.
      this.#listings.delete(provider.id)
      return { provider, message: errorMessage(error) }
    }
  }
}

/** Splits `provider/model` at its first slash; a provider alone has no model id. */
export function splitModelName(name: string): { readonly providerId: string; readonly modelId: string | null } {
  const slash = name.indexOf('/')
  if (slash === -1) return { providerId: name, modelId: null }
  return { providerId: name.slice(0, slash), modelId: name.slice(slash + 1) }
}

async function toRow(
  provider: Provider,
  listed: ListedModel,
  { at, previous }: { readonly at: number; readonly previous: StoredModel | null },
): Promise<StoredModel> {
  const layers = await makeLayers(provider, listed, { at, previous })
  return {
    providerId: provider.id,
    modelId: listed.modelId,
    providerData: listed.data,
    ...layers,
    lifecycle: previous?.lifecycle === 'disabled' ? 'disabled' : 'active',
    firstSeenAt: previous?.firstSeenAt ?? at,
    lastSeenAt: at,
  }
}

function passes(model: RegisteredModel, filter: ModelFilter): boolean {
  const { specs } = model
  if (filter.capability !== undefined && specs.capabilities[filter.capability]?.value !== true) return false
  const output = specs.price?.value.outputUsdPerMillion
  const dearest = filter.maxOutputUsdPerMillion
  if (dearest !== undefined && (output === undefined || output > dearest)) return false
  const least = filter.minimumContextTokens
  return least === undefined || (specs.contextTokens?.value ?? 0) >= least
}
