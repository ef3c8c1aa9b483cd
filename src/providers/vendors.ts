import { anthropic } from './kinds/anthropic.ts'
import { google } from './kinds/google.ts'
import { groq } from './kinds/groq.ts'
import { mistral } from './kinds/mistral.ts'
import { ollama } from './kinds/ollama.ts'
import { openAiCompatible } from './kinds/openai-compatible.ts'
import { openAi } from './kinds/openai.ts'
import { openRouter } from './kinds/openrouter.ts'
import { parseBaseUrl } from './address.ts'
import type { HttpProviderKind, Vendor } from './vendor.ts'

const vendors: Readonly<Record<HttpProviderKind, Vendor>> = {
  openai: openAi,
  anthropic,
  google,
  mistral,
  groq,
  openrouter: openRouter,
  ollama,
  'openai-compatible': openAiCompatible,
}

/** What a kind of provider declares: addresses, variables, listing. */
export function vendorOf(kind: HttpProviderKind): Vendor {
  return vendors[kind]
}

/** Every vendor, in the order in which they are listed. */
export function allVendors(): readonly Vendor[] {
  return Object.values(vendors)
}

/**
 * A base URL in the form orch stores: no trailing slash, and the vendor's path where only a host was named.
 * Throws ORCH_USAGE when it is no http(s) address.
 */
export function normalizeBaseUrl(vendor: Vendor, text: string): string {
  const url = parseBaseUrl(text)
  const path = url.pathname.replace(/\/+$/, '')
  // Ollama's own API lies beside the OpenAI route that people paste.
  if (vendor.kind === 'ollama') return url.origin + path.replace(/\/v1$/, '')
  return url.origin + (path === '' ? vendor.defaultPath : path)
}
