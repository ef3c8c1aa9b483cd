import { listOpenAiStyle } from '../model-listing.ts'
import { bearerKey, type SchemaDialect, type Vendor } from '../vendor.ts'
import { compatibleModel } from './compatible-model.ts'

/** Families that Groq's structured-output page lists for `json_schema`; the others answer 400 to it. */
const takesSchema = /gpt-oss|kimi-k2|llama-4/i

function schemaDialect(modelId: string): SchemaDialect {
  return takesSchema.test(modelId) ? 'json_schema' : 'json_object'
}

/** Groq's OpenAI-compatible API. */
export const groq: Vendor = {
  kind: 'groq',
  label: 'Groq',
  defaultBaseUrl: 'https://api.groq.com/openai/v1',
  defaultPath: '/openai/v1',
  keyVariables: ['GROQ_API_KEY'],
  baseUrlVariables: [],
  authorize: bearerKey,
  headers: {},
  listModels: listOpenAiStyle,
  schemaDialect,
  languageModel: (settings) => compatibleModel('groq', settings, schemaDialect(settings.modelId)),
}
