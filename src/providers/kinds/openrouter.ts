import { listOpenAiStyle } from '../model-listing.ts'
import { bearerKey, type Vendor } from '../vendor.ts'
import { compatibleModel } from './compatible-model.ts'

/** OpenRouter; its list carries prices, context lengths and supported parameters. */
export const openRouter: Vendor = {
  kind: 'openrouter',
  label: 'OpenRouter',
  defaultBaseUrl: 'https://openrouter.ai/api/v1',
  defaultPath: '/api/v1',
  keyVariables: ['OPENROUTER_API_KEY'],
  baseUrlVariables: [],
  authorize: bearerKey,
  // OpenRouter names the calling program on its activity page by this header.
  headers: { 'x-title': 'orch' },
  listModels: listOpenAiStyle,
  schemaDialect: () => 'json_schema',
  languageModel: (settings) => compatibleModel('openrouter', settings, 'json_schema'),
}
