/** Plain JSON requests to a provider's management routes: model lists and what is behind them. */
import type { Clock } from '../runtime/clock.ts'
import { OrchError } from '../errors/orch-error.ts'
import { startDeadline } from './deadline.ts'
import {
  failedConnection,
  failedDeadline,
  failedReply,
  failedResponse,
  type FailureSource,
} from './provider-failure.ts'

export interface JsonRequestOptions {
  readonly source: FailureSource
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Total deadline of one request. */
  readonly timeoutMs: number
}

/** Model lists are a few hundred kilobytes; anything far beyond is not one. */
const largestReplyBytes = 32 * 1024 * 1024

/**
 * GET, or POST where a body is given. Rejects with the reason of the caller's signal when that aborts, and
 * with a ProviderError for everything else that goes wrong at the other end.
 */
export async function requestJson(url: string, body: unknown, options: JsonRequestOptions): Promise<unknown> {
  const { source, clock, signal, timeoutMs } = options
  const deadline = startDeadline(clock, timeoutMs, signal)
  try {
    const response = await deadline.race(send(url, body, { ...options, signal: deadline.signal }))
    const text = await deadline.race(readText(response, source))
    if (response.ok) return parse(text, source)
    throw failedResponse(source, {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text,
      nowMs: clock.now(),
    })
  } catch (error) {
    if (deadline.expired()) throw failedDeadline(source, timeoutMs)
    if (signal.aborted) throw signal.reason
    if (error instanceof OrchError) throw error
    throw failedConnection(source, error)
  } finally {
    deadline.end()
  }
}

function send(url: string, body: unknown, { fetch, signal }: JsonRequestOptions): Promise<Response> {
  if (body === undefined) return fetch(url, { signal })
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
}

async function readText(response: Response, source: FailureSource): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength
    if (bytes > largestReplyBytes) throw failedReply(source, 'malformed', { detail: 'the reply is far too large' })
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string, source: FailureSource): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw failedReply(source, 'malformed', { text: text.slice(0, 2000), detail: 'the reply is no JSON' })
  }
}
