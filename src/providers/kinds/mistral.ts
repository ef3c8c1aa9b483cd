import { listOpenAiStyle } from '../model-listing.ts'
import { bearerKey, type Vendor } from '../vendor.ts'
import { compatibleModel } from './compatible-model.ts'

/** Mistral's platform; its list carries context lengths and capabilities. */
export const mistral: Vendor = {
  kind: 'mistral',
  label: 'Mistral',
  defaultBaseUrl: 'https://api.mistral.ai/v1',
  defaultPath: '/v1',
  keyVariables: ['MISTRAL_API_KEY'],
  baseUrlVariables: [],
  authorize: bearerKey,
  headers: {},
  listModels: listOpenAiStyle,
  schemaDialect: () => 'json_schema',
  languageModel: (settings) => compatibleModel('mistral', settings, 'json_schema'),
}
