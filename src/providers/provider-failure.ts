/** Builds ProviderErrors from what went wrong, out of chosen fields only: no request body and no header reaches an error. */
import { errorClasses } from '../domain/error-class.ts'
import { systemErrorCode } from '../errors/orch-error.ts'
import { redact } from '../runtime/redaction.ts'
import { classifyNetworkFailure, classifyResponse } from './error-class.ts'
import { ProviderError, type TokenUsage } from './model-client.ts'
import type { ProviderKind } from './provider.ts'

/** Who was asked; part of every failure. */
export interface FailureSource {
  readonly providerId: string
  readonly kind: ProviderKind
  readonly local: boolean
  readonly baseUrl: string
}

const longestVendorMessage = 300

/** The failure of an HTTP reply that was no success. */
export function failedResponse(
  source: FailureSource,
  reply: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | undefined
    readonly nowMs: number
  },
): ProviderError {
  const { errorClass, code, vendorMessage, retryAfterMs } = classifyResponse({ kind: source.kind, ...reply })
  const signal = [`HTTP ${reply.status}`, code].filter(Boolean).join(', ')
  const said = vendorMessage === undefined ? '' : `: ${oneLine(vendorMessage)}`
  return new ProviderError(`${source.providerId}: ${errorClasses[errorClass].means} (${signal})${said}`, {
    errorClass,
    providerId: source.providerId,
    status: reply.status,
    retryAfterMs,
    hint: hintFor(errorClass, source),
  })
}

/** The failure of a request that got no reply, or only part of one. */
export function failedConnection(source: FailureSource, error: unknown): ProviderError {
  const { code, connecting } = networkCode(error)
  const errorClass = classifyNetworkFailure(code, { local: source.local, connecting })
  const signal = code === undefined ? '' : ` (${code})`
  return new ProviderError(`${source.providerId}: ${errorClasses[errorClass].means}${signal} at ${source.baseUrl}`, {
    errorClass,
    providerId: source.providerId,
    hint: hintFor(errorClass, source),
  })
}

/** The failure of a request that had no answer when its time was over. */
export function failedDeadline(source: FailureSource, timeoutMs: number): ProviderError {
  return new ProviderError(`${source.providerId}: ${errorClasses.hang.means} of ${timeoutMs} ms`, {
    errorClass: 'hang',
    providerId: source.providerId,
  })
}

/** The failure of a reply that came and cannot be used; what it cost and said is kept. */
export function failedReply(
  source: FailureSource,
  errorClass: 'truncated' | 'refused' | 'malformed' | 'empty' | 'server',
  found: { readonly text?: string; readonly usage?: TokenUsage; readonly detail?: string },
): ProviderError {
  const detail = found.detail === undefined ? '' : ` (${oneLine(found.detail)})`
  return new ProviderError(`${source.providerId}: ${errorClasses[errorClass].means}${detail}`, {
    errorClass,
    providerId: source.providerId,
    usage: found.usage,
    partialText: found.text === undefined ? undefined : redact(found.text),
  })
}

function oneLine(text: string): string {
  const line = redact(text).replace(/\s+/g, ' ').trim()
  return line.length > longestVendorMessage ? `${line.slice(0, longestVendorMessage)}...` : line
}

function hintFor(errorClass: string, { providerId, kind, local, baseUrl }: FailureSource): string | undefined {
  if (errorClass === 'auth') return `Check the key: \`orch providers key ${providerId}\``
  if (errorClass === 'config' && kind === 'ollama')
    return 'Start it with `ollama serve`; get a model with `ollama pull <model>`'
  if (errorClass === 'config' && local)
    return `Start the server at ${baseUrl}, or correct the address with \`orch providers edit ${providerId}\``
  if (errorClass === 'config') return `Correct the base URL with \`orch providers edit ${providerId}\``
  if (errorClass === 'billing') return 'Add credit or raise the limit at the provider, or use another one'
  return undefined
}

/** Whether an error comes from the system or the socket rather than from a reply. */
export function isNetworkFailure(error: unknown): boolean {
  return networkCode(error).code !== undefined
}

/** The code at the bottom of a chain of causes, and whether the system call that failed was `connect`. */
function networkCode(error: unknown): { readonly code: string | undefined; readonly connecting: boolean } {
  let code: string | undefined
  let connecting = false
  let current: unknown = error
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth += 1) {
    code = systemErrorCode(current) ?? code
    connecting ||= 'syscall' in current && (current.syscall === 'connect' || current.syscall === 'getaddrinfo')
    const attempts: unknown = 'errors' in current ? current.errors : undefined
    current =
      'cause' in current && current.cause !== undefined ? current.cause : Array.isArray(attempts) ? attempts[0] : null
  }
  return { code, connecting }
}
