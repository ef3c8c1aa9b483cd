import { listOpenAiStyle } from '../model-listing.ts'
import { bearerKey, placeholderKey, type Vendor } from '../vendor.ts'

/** OpenAI through chat completions: the protocol whose limits, errors and usage its API reference fixes. */
export const openAi: Vendor = {
  kind: 'openai',
  label: 'OpenAI',
  defaultBaseUrl: 'https://api.openai.com/v1',
  defaultPath: '/v1',
  keyVariables: ['OPENAI_API_KEY'],
  baseUrlVariables: ['OPENAI_BASE_URL'],
  authorize: bearerKey,
  headers: {},
  listModels: listOpenAiStyle,
  schemaDialect: () => 'json_schema',
  languageModel: async ({ baseUrl, modelId, fetch }) => {
    const { createOpenAI } = await import('@ai-sdk/openai')
    // Without `.chat` the SDK calls /v1/responses, which proxies and gateways often lack.
    return createOpenAI({ baseURL: baseUrl, apiKey: placeholderKey, fetch }).chat(modelId)
  },
}
