import { listOpenAiStyle } from '../model-listing.ts'
import { bearerKey, type Vendor } from '../vendor.ts'
import { compatibleModel } from './compatible-model.ts'

/** Any server with `/v1/models` and `/v1/chat/completions`: LM Studio, llama.cpp, vLLM, gateways. */
export const openAiCompatible: Vendor = {
  kind: 'openai-compatible',
  label: 'OpenAI-compatible server',
  defaultBaseUrl: null,
  defaultPath: '/v1',
  keyVariables: [],
  baseUrlVariables: [],
  authorize: bearerKey,
  headers: {},
  listModels: listOpenAiStyle,
  schemaDialect: () => 'json_schema',
  languageModel: (settings) => compatibleModel('openai-compatible', settings, 'json_schema'),
}
