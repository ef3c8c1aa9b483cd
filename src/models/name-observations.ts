import { modelNeeds } from '../domain/plan.ts'
import type { Provider } from '../providers/provider.ts'
import { catalogEntry } from './catalog.ts'
import { modelFamily } from './model-family.ts'
import { Observer, type Observation } from './observation.ts'
import { placePrice } from './pricing.ts'

/** Vendors that serve their own models, so that what is known of the family holds for what they serve. */
const firstParty: ReadonlySet<string> = new Set(['openai', 'anthropic', 'google', 'mistral', 'groq', 'openrouter'])

/** What the catalog says: price and context from genai-prices, the rest from orch's own table of families. */
export async function observeCatalog(provider: Provider, modelId: string, at: number): Promise<readonly Observation[]> {
  const observer = new Observer('catalog', at)
  const free = placePrice(provider)
  observer.price(free, 1)
  if (provider.kind === 'rehearsal') {
    // It plays whatever part it is given.
    for (const need of modelNeeds) observer.capability(need, true, 1)
    return observer.observations
  }
  const entry = await catalogEntry(provider, modelId, at)
  observer.size('contextTokens', entry?.contextTokens, 0.9)
  if (free === null) observer.price(entry?.price ?? null, 0.9)
  if (firstParty.has(provider.kind)) observeFamily(observer, modelId, 0.8)
  return observer.observations
}

/** What the name alone suggests, for servers that may serve anything. Capabilities only: the window depends on the server. */
export function observeName(provider: Provider, modelId: string, at: number): readonly Observation[] {
  const observer = new Observer('heuristic', at)
  if (!firstParty.has(provider.kind) && provider.kind !== 'rehearsal') {
    for (const need of modelFamily(modelId)?.offers ?? []) observer.capability(need, true, 0.5)
  }
  return observer.observations
}

function observeFamily(observer: Observer, modelId: string, confidence: number): void {
  const family = modelFamily(modelId)
  if (family === undefined) return
  observer.size('contextTokens', family.contextTokens, confidence)
  observer.size('maxOutputTokens', family.maxOutputTokens, confidence)
  for (const need of modelNeeds) {
    if (need !== 'long_context') observer.capability(need, family.offers.includes(need), confidence)
  }
}
