import { entriesOf, listedBy } from '../model-listing.ts'
import type { ListedModel } from '../provider.ts'
import { bearerKey, type ListRequest, type Vendor } from '../vendor.ts'
import { compatibleModel } from './compatible-model.ts'

/**
 * Ollama: lists by its native API, which knows contexts and capabilities, and is called through its
 * OpenAI route. The base URL is the server's root.
 */
export const ollama: Vendor = {
  kind: 'ollama',
  label: 'Ollama',
  defaultBaseUrl: 'http://127.0.0.1:11434',
  defaultPath: '',
  keyVariables: ['OLLAMA_API_KEY'],
  baseUrlVariables: ['OLLAMA_HOST'],
  authorize: bearerKey,
  headers: {},
  listModels: async (request) => {
    const models = listedBy('name', entriesOf(await request.fetchJson('/api/tags'), 'models'))
    const described: ListedModel[] = []
    // One at a time: the server may sit on a small machine, and the lists are short.
    for (const model of models) described.push(await describeModel(request, model))
    return described
  },
  schemaDialect: () => 'json_schema',
  languageModel: (settings) =>
    compatibleModel('ollama', { ...settings, baseUrl: `${settings.baseUrl}/v1` }, 'json_schema'),
}

/** The list entry with the answer of `/api/show` under `show`, less the texts that say nothing about abilities. */
async function describeModel(request: ListRequest, { modelId, data }: ListedModel): Promise<ListedModel> {
  const shown = await request.fetchJson('/api/show', { model: modelId }).catch(() => null)
  if (typeof shown !== 'object' || shown === null) return { modelId, data }
  const { license: _license, modelfile: _modelfile, tensors: _tensors, ...show } = shown as Record<string, unknown>
  return { modelId, data: { ...(data as Record<string, unknown>), show } }
}
