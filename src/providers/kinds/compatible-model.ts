import type { LanguageModel } from 'ai'
import type { LanguageModelSettings, SchemaDialect } from '../vendor.ts'

/**
 * A model behind chat completions as anyone but OpenAI serves them. The SDK sends the schema only where it
 * is told that the server understands it; `json_object` otherwise, with the schema in the prompt.
 */
export async function compatibleModel(
  name: string,
  settings: LanguageModelSettings,
  dialect: SchemaDialect,
): Promise<LanguageModel> {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  return createOpenAICompatible({
    name,
    baseURL: settings.baseUrl,
    fetch: settings.fetch,
    supportsStructuredOutputs: dialect === 'json_schema',
    includeUsage: true,
  })(settings.modelId)
}
