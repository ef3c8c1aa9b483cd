import type { HttpProviderKind } from './vendor.ts'

/** Servers and vendors that speak OpenAI's protocol at an address of their own. */
const compatible =
  'openaicompatible openaicompatibleapi custom lmstudio vllm llamacpp llamaserver localai litellm deepseek together togetherai fireworks fireworksai xai grok perplexity cerebras sambanova nvidia moonshot huggingface'

const kinds: Readonly<Record<string, HttpProviderKind>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  claude: 'anthropic',
  google: 'google',
  gemini: 'google',
  googleai: 'google',
  googlegemini: 'google',
  googlegenerativeai: 'google',
  mistral: 'mistral',
  mistralai: 'mistral',
  groq: 'groq',
  openrouter: 'openrouter',
  ollama: 'ollama',
  ...Object.fromEntries(compatible.split(' ').map((name) => [name, 'openai-compatible' as const])),
}

/**
 * The kind that another application means by the name of a provider, whatever its case and separators; null for
 * one that orch does not speak to, such as Bedrock, Vertex or Azure, whose protocols are their own.
 */
export function kindOfForeignType(type: string): HttpProviderKind | null {
  const folded = type.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return Object.hasOwn(kinds, folded) ? (kinds[folded] ?? null) : null
}
