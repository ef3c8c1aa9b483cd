import { errorMessage } from '../errors/orch-error.ts'
import type { ProviderManager } from './provider-manager.ts'
import type { Provider } from './provider.ts'

export interface FoundProvider extends Pick<Provider, 'id' | 'label' | 'kind' | 'baseUrl' | 'origin' | 'local'> {
  readonly models: readonly string[]
  /** Why it could not be asked for its models. */
  readonly problem: string | null
}

/**
 * The providers that nobody stored, each asked for its models. A detected server that is stored already is
 * not news and left out. Rejects with the reason of the signal.
 */
export async function detectProviders(
  manager: ProviderManager,
  signal: AbortSignal,
): Promise<readonly FoundProvider[]> {
  const found = (await manager.list()).filter(({ origin }) => origin === 'environment' || origin === 'detected')
  return Promise.all(found.map((provider) => describe(manager, provider, signal)))
}

async function describe(manager: ProviderManager, provider: Provider, signal: AbortSignal): Promise<FoundProvider> {
  const { id, label, kind, baseUrl, origin, local } = provider
  const shown = { id, label, kind, baseUrl, origin, local }
  try {
    const models = await manager.listModels(provider, signal)
    return { ...shown, models: models.map((model) => model.modelId), problem: null }
  } catch (error) {
    signal.throwIfAborted()
    return { ...shown, models: [], problem: errorMessage(error) }
  }
}
