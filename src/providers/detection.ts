/** Finds providers that nobody had to set up: by keys in the environment, and by servers on this machine. */
import { OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { isLoopback } from './address.ts'
import { requestJson } from './json-request.ts'
import type { Provider, ProviderKind } from './provider.ts'
import { allVendors, normalizeBaseUrl, vendorOf } from './vendors.ts'
import type { Vendor } from './vendor.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A provider without limits, as the environment and detection know it. */
function plainProvider(
  fields: Pick<Provider, 'id' | 'label' | 'kind' | 'baseUrl' | 'credential' | 'origin'>,
): Provider {
  return {
    ...fields,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    local: isLoopback(fields.baseUrl),
  }
}

/**
 * Providers whose key, or for Ollama whose address, the environment names. Their ids are their kinds.
 * Throws ORCH_USAGE when a base URL variable holds no address.
 */
export function environmentProviders(env: Environment): readonly Provider[] {
  return allVendors().flatMap((vendor) => {
    const keyVariable = vendor.keyVariables.find((name) => isSet(env[name]))
    const moved = vendor.baseUrlVariables.find((name) => isSet(env[name]))
    const baseUrl = moved === undefined ? vendor.defaultBaseUrl : movedBaseUrl(vendor, moved, env)
    // A local server needs no key, so its address alone announces it.
    const isNamed = vendor.kind === 'ollama' ? moved !== undefined : keyVariable !== undefined
    if (!isNamed || baseUrl === null) return []
    const { kind, label } = vendor
    return [plainProvider({ id: kind, label, kind, baseUrl, credential: keyVariable ?? null, origin: 'environment' })]
  })
}

function movedBaseUrl(vendor: Vendor, variable: string, env: Environment): string {
  const value = env[variable] ?? ''
  try {
    return normalizeBaseUrl(vendor, vendor.kind === 'ollama' ? ollamaAddress(value) : value.trim())
  } catch (error) {
    if (!(error instanceof OrchError)) throw error
    throw new OrchError('ORCH_USAGE', `${variable}: ${error.message}`, { hint: `Correct or unset ${variable}` })
  }
}

/** `OLLAMA_HOST` as Ollama reads it: a host, `host:port`, `:port` or URL; the address a server listens on is reached on loopback. */
export function ollamaAddress(host: string): string {
  const text = host.trim()
  const withScheme = /^https?:\/\//i.test(text) ? text : `http://${text.startsWith(':') ? `127.0.0.1${text}` : text}`
  if (!URL.canParse(withScheme)) return withScheme
  const url = new URL(withScheme)
  const hasPort = /:\d+\/?$/.test(withScheme)
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1'
  if (!hasPort && url.protocol === 'http:') url.port = '11434'
  return url.origin
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

interface LocalServer {
  readonly id: string
  readonly label: string
  readonly kind: Exclude<ProviderKind, 'rehearsal'>
  readonly port: number
  readonly path: string
  /** The field by which a list of models is told from whatever else listens there. */
  readonly field: string
}

/** Default ports, in the order in which they are preferred. */
const localServers: readonly LocalServer[] = [
  { id: 'ollama', label: 'Ollama', kind: 'ollama', port: 11434, path: '/api/tags', field: 'models' },
  { id: 'lm-studio', label: 'LM Studio', kind: 'openai-compatible', port: 1234, path: '/models', field: 'data' },
  { id: 'llama-cpp', label: 'llama.cpp server', kind: 'openai-compatible', port: 8080, path: '/models', field: 'data' },
  { id: 'vllm', label: 'vLLM', kind: 'openai-compatible', port: 8000, path: '/models', field: 'data' },
]

const probeTimeoutMs = 300

export interface DetectionOptions {
  readonly env: Environment
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Asks the default local ports at the same time, 300 ms each, and returns the servers that list models.
 * `ORCH_DETECT=off` asks nobody; `ORCH_DETECT_PORTS=ollama=1,vllm=2` moves ports and asks only those named.
 */
export async function detectLocalProviders(options: DetectionOptions): Promise<readonly Provider[]> {
  if (options.env['ORCH_DETECT'] === 'off') return []
  const found = await Promise.all(serversToAsk(options.env).map((server) => probe(server, options)))
  return found.filter((provider) => provider !== null)
}

function serversToAsk(env: Environment): readonly LocalServer[] {
  const ports = new Map(
    (env['ORCH_DETECT_PORTS'] ?? '').split(',').flatMap((pair) => {
      const [id, port] = pair.split('=')
      return id !== undefined && port !== undefined ? [[id.trim(), Number(port)] as const] : []
    }),
  )
  if (ports.size === 0) return localServers
  return localServers.flatMap((server) => {
    const port = ports.get(server.id)
    return port === undefined ? [] : [{ ...server, port }]
  })
}

async function probe(server: LocalServer, { clock, signal }: DetectionOptions): Promise<Provider | null> {
  const { id, label, kind, port, path, field } = server
  const baseUrl = normalizeBaseUrl(vendorOf(kind), `http://127.0.0.1:${port}`)
  const source = { providerId: id, kind, local: true, baseUrl }
  // No key and no redirect: whatever listens here is a stranger.
  const fetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, { ...init, redirect: 'error' })
  try {
    const reply = await requestJson(`${baseUrl}${path}`, undefined, {
      source,
      fetch,
      clock,
      signal,
      timeoutMs: probeTimeoutMs,
    })
    if (!Array.isArray((reply as Record<string, unknown> | null)?.[field])) return null
    return plainProvider({ id, label, kind, baseUrl, credential: null, origin: 'detected' })
  } catch {
    // Nobody there, or no model server: both are ordinary. An abort by the caller ends the probe the same way.
    return null
  }
}
