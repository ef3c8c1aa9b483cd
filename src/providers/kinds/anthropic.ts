import { collectPages, entriesOf, listedBy } from '../model-listing.ts'
import { placeholderKey, type Vendor } from '../vendor.ts'

/** Anthropic's Messages API. Models come in pages (docs.anthropic.com, "List Models"). */
export const anthropic: Vendor = {
  kind: 'anthropic',
  label: 'Anthropic',
  defaultBaseUrl: 'https://api.anthropic.com/v1',
  defaultPath: '/v1',
  keyVariables: ['ANTHROPIC_API_KEY'],
  baseUrlVariables: ['ANTHROPIC_BASE_URL'],
  authorize: (key) => ({ 'x-api-key': key }),
  headers: { 'anthropic-version': '2023-06-01' },
  listModels: (request) =>
    collectPages(request, '/models?limit=1000', (reply) => {
      const models = listedBy('id', entriesOf(reply, 'data'))
      const last = models.at(-1)?.modelId
      const more = (reply as { has_more?: unknown } | null)?.has_more === true && last !== undefined
      return { models, next: more ? `/models?limit=1000&after_id=${encodeURIComponent(last)}` : null }
    }),
  schemaDialect: () => 'json_schema',
  languageModel: async ({ baseUrl, modelId, fetch }) => {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return createAnthropic({ baseURL: baseUrl, apiKey: placeholderKey, fetch })(modelId)
  },
}
