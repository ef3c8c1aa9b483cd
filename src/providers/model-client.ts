/** What orch asks of a model and gets back: plain JSON, so that the journal can store and replay it. */
import type { ErrorClass } from '../domain/error-class.ts'
import type { JsonSchema } from '../domain/plan.ts'
import { OrchError, type OrchErrorOptions } from '../errors/orch-error.ts'

export interface ToolSpec {
  readonly name: string
  readonly description: string
  readonly parameters: JsonSchema
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** Parsed JSON, or the raw text where the model wrote no valid JSON. */
  readonly input: unknown
  /** What the provider wants back verbatim with the call, such as Gemini's thought signature. */
  readonly providerData?: Readonly<Record<string, unknown>>
}

export type ChatMessage =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly callId: string; readonly name: string; readonly output: string }

export interface ModelCall {
  readonly modelId: string
  readonly system: string
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly ToolSpec[]
  /** Asks for a reply of this shape, by the dialect the model speaks. */
  readonly schema: { readonly name: string; readonly schema: JsonSchema } | null
  readonly maxOutputTokens: number
}

/** Token classes as the provider counted them; null where it did not say. */
export interface TokenUsage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number | null
  readonly cachedInputTokens: number | null
  readonly cacheWriteTokens: number | null
  /** All output tokens, reasoning included. */
  readonly outputTokens: number | null
  readonly reasoningTokens: number | null
}

export interface ModelReply {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly finish: 'stop' | 'tool_calls' | 'length' | 'refused' | 'other'
  readonly usage: TokenUsage
  readonly latencyMs: number
}

export interface SendOptions {
  readonly signal: AbortSignal
  /** Total deadline of one request. */
  readonly timeoutMs: number
}

/** One provider's connection. Sends each call exactly once: retries belong to `calls/`. */
export interface ModelClient {
  /** Throws ProviderError; a reply that was cut short or empty is an error, not a reply. */
  send(call: ModelCall, options: SendOptions): Promise<ModelReply>
}

export interface ProviderErrorOptions extends OrchErrorOptions {
  readonly errorClass: ErrorClass
  readonly providerId: string
  /** HTTP status, where there was a response. */
  readonly status?: number
  /** How long the provider told us to wait. */
  readonly retryAfterMs?: number
  /** Tokens that a failed call was billed for, where the reply said so. */
  readonly usage?: TokenUsage
  /** The text of a reply that was not usable, kept as evidence. */
  readonly partialText?: string
}

/** A failed provider call in the one taxonomy. Messages never hold request bodies or keys. */
export class ProviderError extends OrchError {
  readonly errorClass: ErrorClass
  readonly providerId: string
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly usage: TokenUsage | undefined
  readonly partialText: string | undefined

  constructor(message: string, options: ProviderErrorOptions) {
    super('ORCH_PROVIDER_FAILED', message, options)
    this.errorClass = options.errorClass
    this.providerId = options.providerId
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
    this.usage = options.usage
    this.partialText = options.partialText
  }
}
