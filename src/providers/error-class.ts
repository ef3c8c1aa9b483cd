/**
 * One taxonomy for every vendor's failures (DESIGN section 7), decided by status and structured code and
 * never by a message: Gemini's rate limit and OpenAI's empty account use almost the same sentence.
 */
import type { ErrorClass } from '../domain/error-class.ts'
import { readErrorBody, type ErrorBody } from './error-body.ts'
import type { ProviderKind } from './provider.ts'
import { durationMs, longestToldDelayMs, toldDelayMs, untilPacificMidnightMs } from './retry-delay.ts'

export interface FailedResponse {
  readonly kind: ProviderKind
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Epoch milliseconds, for delays that are told as instants. */
  readonly nowMs: number
}

export interface Classified {
  readonly errorClass: ErrorClass
  /** The code that decided, or the first one the body states. */
  readonly code: string | undefined
  readonly vendorMessage: string | undefined
  readonly retryAfterMs: number | undefined
}

/** Codes whose meaning does not depend on the status. Sources: reliability-security.md section 4. */
const classByCode: Readonly<Record<string, ErrorClass>> = {
  // OpenAI and those who copy it
  insufficient_quota: 'billing',
  credit_balance_exhausted: 'billing',
  organization_spend_limit_exceeded: 'billing',
  project_spend_limit_exceeded: 'billing',
  organization_usage_limit_exceeded: 'billing',
  billing_hard_limit_reached: 'billing',
  billing_not_active: 'billing',
  server_is_overloaded: 'overload',
  slow_down: 'overload',
  context_length_exceeded: 'context',
  content_policy_violation: 'refused',
  content_filter: 'refused',
  invalid_api_key: 'auth',
  // Anthropic
  enforced_spend_limit_reached: 'billing',
  billing_error: 'billing',
  overloaded_error: 'overload',
  authentication_error: 'auth',
  permission_error: 'auth',
  request_too_large: 'context',
  timeout_error: 'server',
  // Google
  API_KEY_INVALID: 'auth',
  API_KEY_SERVICE_BLOCKED: 'auth',
  SERVICE_DISABLED: 'auth',
  BILLING_DISABLED: 'billing',
  FAILED_PRECONDITION: 'billing',
  UNAVAILABLE: 'overload',
  DEADLINE_EXCEEDED: 'server',
  // Mistral
  service_tier_capacity_exceeded: 'rate',
  // Groq: the model's own output was unusable
  json_validate_failed: 'malformed',
  tool_use_failed: 'malformed',
  capacity_exceeded: 'overload',
  // llama.cpp
  exceed_context_size_error: 'context',
}

/** Decides the class of an HTTP reply that is not a success, or of a 200 whose body is an error. */
export function classifyResponse(response: FailedResponse): Classified {
  const body = readErrorBody(response.body)
  const status = response.status >= 300 ? response.status : (body.status ?? response.status)
  const decided = body.codes.find((code) => Object.hasOwn(classByCode, code))
  const errorClass =
    quotaClass(body) ??
    (decided === undefined ? undefined : classByCode[decided]) ??
    classByStatus(status, response, body)
  return {
    errorClass,
    code: decided ?? body.codes[0],
    vendorMessage: body.message,
    retryAfterMs: waitOf(response, body),
  }
}

/** Google states which quota ran out; a quota of 0 is a plan that does not include the model. */
function quotaClass(body: ErrorBody): ErrorClass | undefined {
  if (body.quotas.length === 0) return undefined
  return body.quotas.some(({ value }) => value === '0') ? 'billing' : 'rate'
}

function classByStatus(status: number, { kind, headers }: FailedResponse, body: ErrorBody): ErrorClass {
  if (status < 300) return body.codes.length > 0 || body.message !== undefined ? 'server' : 'malformed'
  // Redirects are never followed: the key must not travel to another host.
  if (status < 400) return 'config'
  // OpenRouter: money that calls in flight hold for the moment comes with a delay, an empty account without.
  if (status === 402) return kind === 'openrouter' && headers['retry-after'] !== undefined ? 'rate' : 'billing'
  if (status === 403 && body.flagged) return 'refused'
  // Ollama answers 404 for a model that was not pulled.
  if (status === 404) return kind === 'ollama' ? 'config' : 'request'
  return classesByStatus[status] ?? (status >= 500 ? 'server' : 'request')
}

const classesByStatus: Readonly<Record<number, ErrorClass>> = {
  401: 'auth',
  403: 'auth',
  408: 'server',
  409: 'server',
  413: 'context',
  425: 'server',
  429: 'rate',
  // Groq's flex tier has no capacity
  498: 'overload',
  503: 'overload',
  529: 'overload',
}

function waitOf(response: FailedResponse, body: ErrorBody): number | undefined {
  const told = [
    toldDelayMs(response.headers, response.nowMs),
    body.retryDelay === undefined ? undefined : Math.min(Math.ceil(durationMs(body.retryDelay)), longestToldDelayMs),
    // A daily quota's RetryInfo names seconds although nothing will change before midnight.
    body.quotas.some(({ id }) => id.includes('PerDay')) ? untilPacificMidnightMs(response.nowMs) : undefined,
  ].filter((delay) => delay !== undefined)
  return told.length === 0 ? undefined : Math.max(...told)
}

const neverConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'EPROTO',
])
const silent = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

/**
 * The class of a request that got no complete reply, by the code of Node or undici. A refused connection on
 * this machine is a server that is not running, which waiting does not mend.
 */
export function classifyNetworkFailure(
  code: string | undefined,
  options: { readonly local: boolean; readonly connecting: boolean },
): ErrorClass {
  if (code === 'ECONNREFUSED' && options.local) return 'config'
  if (code !== undefined && (neverConnected.has(code) || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_'))) {
    return 'connect'
  }
  if (code !== undefined && silent.has(code)) return 'hang'
  return options.connecting ? 'connect' : 'unknown_outcome'
}
