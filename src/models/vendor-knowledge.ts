/** What adopting another application's database must know of vendors and models. */
import type { ForeignModel, VendorKnowledge } from '../database/adoption/vendor-knowledge.ts'
import type { StoredProvider } from '../database/repositories/provider-config-repository.ts'
import { OrchError } from '../errors/orch-error.ts'
import { isLoopback } from '../providers/address.ts'
import { kindOfForeignType } from '../providers/foreign-type.ts'
import { toProvider } from '../providers/stored-provider.ts'
import type { HttpProviderKind } from '../providers/vendor.ts'
import { normalizeBaseUrl, vendorOf } from '../providers/vendors.ts'
import { makeLayers, type Layers } from './describe-model.ts'
import { noAiData, Observer, type Observation } from './observation.ts'
import { resolveSpecs, specObservations } from './resolve-specs.ts'
import { textsAt, valueAt } from './verbatim.ts'

/** Builds it; asks nobody. */
export function vendorKnowledge(): VendorKnowledge {
  return {
    kindOf: kindOfForeignType,
    baseUrl: (kind, given) => storedAddress(kind, given),
    needsKey: (kind, baseUrl) => vendorFor(kind).keyVariables.length > 0 && !isLocal(kind, baseUrl),
    keyVariable: (kind) => vendorFor(kind).keyVariables[0] ?? null,
    layers: adoptedLayers,
  }
}

function vendorFor(kind: string) {
  return vendorOf(kind as HttpProviderKind)
}

/** Ollama asks for no key unless somebody put something before it. */
function isLocal(kind: string, baseUrl: string | null): boolean {
  return kind === 'ollama' || (baseUrl !== null && isLoopback(baseUrl))
}

function storedAddress(kind: string, given: string | null): ReturnType<VendorKnowledge['baseUrl']> {
  const vendor = vendorFor(kind)
  if (given === null) {
    return vendor.defaultBaseUrl === null
      ? { reason: 'it has no base URL, and its type has no usual one' }
      : { baseUrl: null }
  }
  try {
    return { baseUrl: normalizeBaseUrl(vendor, given) }
  } catch (error) {
    if (error instanceof OrchError) return { reason: 'its base URL is no http address' }
    throw error
  }
}

/**
 * The layers that orch makes of a model of that name, and beneath them what the other application believed: it
 * counts where orch itself knows nothing, and gives way to the next sync, probe or word of a person.
 */
async function adoptedLayers(stored: StoredProvider, model: ForeignModel): Promise<Layers> {
  const provider = toProvider(stored)
  if (provider === null) return { aiData: noAiData, specs: { capabilities: {} } }
  const listed = { modelId: model.modelId, data: model.providerData }
  const own = await makeLayers(provider, listed, { at: model.at, previous: null })
  const believed = observeForeign(model)
  const observations = [...own.aiData.observations, ...believed]
  return {
    aiData: { ...own.aiData, observations },
    specs: resolveSpecs([...specObservations(own.specs), ...believed]),
  }
}

const contextNames = [
  'contextTokens',
  'contextWindow',
  'context_window',
  'contextLength',
  'context_length',
  'maxContext',
]
const outputNames = ['maxOutputTokens', 'max_output_tokens', 'maxCompletionTokens', 'max_completion_tokens']
const capabilityNames = {
  tools: ['tools', 'toolUse', 'tool_use', 'functionCalling', 'function_calling', 'supportsTools', 'supports_tools'],
  vision: ['vision', 'supportsVision', 'supports_vision', 'image'],
  reasoning: ['reasoning', 'thinking', 'supportsReasoning', 'supports_reasoning'],
  structured_output: ['structured_output', 'structuredOutput', 'structured_outputs', 'json_schema'],
} as const

/** The names under which applications usually keep these; what is there under another one says nothing. */
function observeForeign({ specs, aiData, at }: ForeignModel): readonly Observation[] {
  const observer = new Observer('heuristic', at)
  for (const layer of [specs, aiData]) {
    for (const name of contextNames) observer.size('contextTokens', valueAt(layer, name), 0.6)
    for (const name of outputNames) observer.size('maxOutputTokens', valueAt(layer, name), 0.6)
    const listed = textsAt(layer, 'capabilities')
    for (const need of ['tools', 'vision', 'reasoning', 'structured_output'] as const) {
      const names: readonly string[] = capabilityNames[need]
      if (listed?.some((one) => names.includes(one)) === true) observer.capability(need, true, 0.6)
      for (const name of names) {
        observer.capability(need, valueAt(layer, name) ?? valueAt(layer, 'capabilities', name), 0.6)
      }
    }
  }
  return observer.observations
}
