import { collectPages, entriesOf } from '../model-listing.ts'
import { placeholderKey, type Vendor } from '../vendor.ts'

/** Gemini's API (ai.google.dev). The key travels in a header, never as `?key=`. */
export const google: Vendor = {
  kind: 'google',
  label: 'Google Gemini',
  defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  defaultPath: '/v1beta',
  keyVariables: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
  baseUrlVariables: [],
  authorize: (key) => ({ 'x-goog-api-key': key }),
  headers: {},
  listModels: (request) =>
    collectPages(request, '/models?pageSize=1000', (reply) => {
      const token = (reply as { nextPageToken?: unknown } | null)?.nextPageToken
      const more = typeof token === 'string' && token !== ''
      return {
        models: entriesOf(reply, 'models').flatMap(toListed),
        next: more ? `/models?pageSize=1000&pageToken=${encodeURIComponent(token)}` : null,
      }
    }),
  schemaDialect: () => 'json_schema',
  languageModel: async ({ baseUrl, modelId, fetch }) => {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
    return createGoogleGenerativeAI({ baseURL: baseUrl, apiKey: placeholderKey, fetch })(modelId)
  },
}

/** The list also names embedding and image models; only those that generate content can be called. */
function toListed(data: Readonly<Record<string, unknown>>) {
  const { name, supportedGenerationMethods: methods } = data
  if (typeof name !== 'string') return []
  if (Array.isArray(methods) && !methods.includes('generateContent')) return []
  return [{ modelId: name.replace(/^models\//, ''), data }]
}
