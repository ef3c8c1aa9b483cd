/** The one door to the AI SDK: everything above sees only `ModelClient`. */
import type * as AiSdk from 'ai'
import type { FinishReason, LanguageModelUsage } from 'ai'
import { OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { schemaOptions, toMessages, toSystem, toTools } from './ai-sdk-request.ts'
import { startDeadline } from './deadline.ts'
import { jsonInside } from './json-inside.ts'
import type { ModelCall, ModelClient, ModelReply, SendOptions, TokenUsage, ToolCall } from './model-client.ts'
import {
  failedConnection,
  failedDeadline,
  failedReply,
  failedResponse,
  isNetworkFailure,
  type FailureSource,
} from './provider-failure.ts'
import type { Vendor } from './vendor.ts'

type Sdk = typeof AiSdk

export interface AiSdkClientOptions {
  readonly source: FailureSource
  readonly vendor: Vendor
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
}

/** Sends calls through the SDK: one request each, no retries, tools returned and never run. */
export function createAiSdkClient(options: AiSdkClientOptions): ModelClient {
  return { send: (call, sendOptions) => send(options, call, sendOptions) }
}

async function send(
  options: AiSdkClientOptions,
  call: ModelCall,
  { signal, timeoutMs }: SendOptions,
): Promise<ModelReply> {
  signal.throwIfAborted()
  const { clock, source } = options
  const sdk = await loadSdk()
  const startedAt = clock.monotonic()
  const deadline = startDeadline(clock, timeoutMs, signal)
  try {
    const result = await deadline.race(generate({ sdk, options, call }, deadline.signal))
    return { ...toReply(source, result), latencyMs: clock.monotonic() - startedAt }
  } catch (error) {
    if (deadline.expired()) throw failedDeadline(source, timeoutMs)
    if (signal.aborted) throw signal.reason
    const reply = salvage({ sdk, options, call }, error)
    return { ...reply, latencyMs: clock.monotonic() - startedAt }
  } finally {
    deadline.end()
  }
}

async function loadSdk(): Promise<Sdk> {
  const sdk = await import('ai')
  // Warnings would be printed to stdout, into the middle of `--json`.
  globalThis.AI_SDK_LOG_WARNINGS = false
  return sdk
}

interface Sending {
  readonly sdk: Sdk
  readonly options: AiSdkClientOptions
  readonly call: ModelCall
}

async function generate({ sdk, options, call }: Sending, abortSignal: AbortSignal) {
  const { vendor, source, fetch } = options
  const { modelId, schema } = call
  const dialect = vendor.schemaDialect(modelId)
  return sdk.generateText({
    model: await vendor.languageModel({ baseUrl: source.baseUrl, modelId, fetch }),
    system: toSystem(call, dialect),
    messages: toMessages(call.messages),
    ...(call.tools.length > 0 ? { tools: toTools(sdk, call.tools) } : {}),
    ...(schema === null
      ? {}
      : {
          output: sdk.Output.object({ schema: sdk.jsonSchema(schema.schema), name: schema.name }),
          providerOptions: schemaOptions(schema.schema, optionsName(vendor)),
        }),
    maxOutputTokens: call.maxOutputTokens,
    maxRetries: 0,
    abortSignal,
  })
}

/** Under which name the SDK package of a vendor reads its options. */
function optionsName({ kind }: Vendor): string {
  return kind === 'openai' ? 'openai' : 'openaiCompatible'
}

interface SdkResult {
  readonly text: string
  readonly finishReason: FinishReason
  readonly rawFinishReason: string | undefined
  readonly usage: LanguageModelUsage
  readonly toolCalls: readonly {
    readonly toolCallId: string
    readonly toolName: string
    readonly input: unknown
    readonly providerMetadata?: Readonly<Record<string, unknown>>
  }[]
}

type Reply = Omit<ModelReply, 'latencyMs'>

/** Throws for every reply that is not one: cut short, refused, failed at the other end, or empty. */
function toReply(source: FailureSource, result: SdkResult): Reply {
  const usage = toUsage(result.usage)
  const found = { text: result.text, usage, detail: result.rawFinishReason }
  if (result.finishReason === 'length') throw failedReply(source, 'truncated', found)
  if (result.finishReason === 'content-filter') throw failedReply(source, 'refused', found)
  if (result.finishReason === 'error') {
    const isBrokenCall = result.rawFinishReason === 'MALFORMED_FUNCTION_CALL'
    throw failedReply(source, isBrokenCall ? 'malformed' : 'server', found)
  }
  const toolCalls = result.toolCalls.map(toToolCall)
  if (toolCalls.length === 0 && result.text.trim() === '') throw failedReply(source, 'empty', found)
  return { text: result.text, toolCalls, finish: toFinish(result.finishReason, toolCalls), usage }
}

function toToolCall(call: SdkResult['toolCalls'][number]): ToolCall {
  const { toolCallId: id, toolName: name, input, providerMetadata } = call
  return { id, name, input, ...(providerMetadata === undefined ? {} : { providerData: providerMetadata }) }
}

function toFinish(reason: FinishReason, toolCalls: readonly ToolCall[]): ModelReply['finish'] {
  // Some servers say `stop` after a tool call.
  if (toolCalls.length > 0) return 'tool_calls'
  return reason === 'stop' ? 'stop' : 'other'
}

function toUsage(usage: LanguageModelUsage | undefined): TokenUsage {
  return {
    inputTokens: usage?.inputTokens ?? null,
    cachedInputTokens: usage?.inputTokenDetails?.cacheReadTokens ?? null,
    cacheWriteTokens: usage?.inputTokenDetails?.cacheWriteTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    reasoningTokens: usage?.outputTokenDetails?.reasoningTokens ?? null,
  }
}

/** A reply out of an SDK error where there is one inside; throws the classified failure otherwise. */
function salvage({ sdk, options, call }: Sending, error: unknown): Reply {
  const { source, clock } = options
  if (error instanceof OrchError) throw error
  if (sdk.NoObjectGeneratedError.isInstance(error)) {
    const usage = toUsage(error.usage)
    // Models without a native schema like to wrap the object into prose or a code fence.
    const json = call.schema === null || error.finishReason !== 'stop' ? null : jsonInside(error.text ?? '')
    if (json !== null) return { text: json, toolCalls: [], finish: 'stop', usage }
    const errorClass =
      error.finishReason === 'length' ? 'truncated' : (error.text ?? '').trim() === '' ? 'empty' : 'malformed'
    throw failedReply(source, errorClass, { text: error.text, usage })
  }
  // A body that was cut has a status too, and a socket error below it.
  if (sdk.APICallError.isInstance(error) && error.statusCode !== undefined && !isNetworkFailure(error.cause)) {
    const { statusCode: status, responseHeaders: headers = {}, responseBody: body } = error
    throw failedResponse(source, { status, headers, body, nowMs: clock.now() })
  }
  if (sdk.APICallError.isInstance(error)) throw failedConnection(source, error.cause ?? error)
  if (isSdkError(error)) throw failedReply(source, 'malformed', { detail: error.name })
  throw failedConnection(source, error)
}

/** Errors about the form of a reply: TypeValidationError, JSONParseError, InvalidResponseDataError and their kin. */
function isSdkError(error: unknown): error is Error {
  return error instanceof Error && error.name.startsWith('AI_')
}
