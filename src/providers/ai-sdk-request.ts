/** A ModelCall in the words of the AI SDK. */
import type * as AiSdk from 'ai'
import type { JSONValue, ModelMessage, ToolSet } from 'ai'
import type { JsonSchema } from '../domain/plan.ts'
import type { ChatMessage, ModelCall, ToolSpec } from './model-client.ts'
import type { SchemaDialect } from './vendor.ts'

type Sdk = typeof AiSdk
type ProviderOptions = Record<string, Record<string, JSONValue>>

/** Tools without `execute`: the SDK returns the model's calls instead of running them. */
export function toTools(sdk: Sdk, specs: readonly ToolSpec[]): ToolSet {
  return Object.fromEntries(
    specs.map(({ name, description, parameters }) => [
      name,
      sdk.tool({ description, inputSchema: sdk.jsonSchema(parameters) }),
    ]),
  )
}

/** Messages as the SDK wants them; neighbouring tool results are one message, as the protocols demand. */
export function toMessages(messages: readonly ChatMessage[]): ModelMessage[] {
  const converted: ModelMessage[] = []
  for (const message of messages) {
    const next = toMessage(message)
    const last = converted.at(-1)
    if (next.role === 'tool' && last?.role === 'tool') last.content.push(...next.content)
    else converted.push(next)
  }
  return converted
}

function toMessage(message: ChatMessage): ModelMessage {
  if (message.role === 'user') return { role: 'user', content: message.text }
  if (message.role === 'tool') {
    const { callId, name, output } = message
    return {
      role: 'tool',
      content: [{ type: 'tool-result', toolCallId: callId, toolName: name, output: { type: 'text', value: output } }],
    }
  }
  // A reply without text and calls cannot be replayed to any protocol; a blank stands for it.
  const text = message.text === '' && message.toolCalls.length === 0 ? ' ' : message.text
  return {
    role: 'assistant',
    content: [
      ...(text === '' ? [] : [{ type: 'text' as const, text }]),
      ...message.toolCalls.map(({ id, name, input, providerData }) => ({
        type: 'tool-call' as const,
        toolCallId: id,
        toolName: name,
        // The protocols take an object; the text of a broken call is passed on as what it was.
        input: typeof input === 'object' && input !== null ? input : { invalid: input },
        ...(providerData === undefined ? {} : { providerOptions: providerData as ProviderOptions }),
      })),
    ],
  }
}

/** The system prompt, with the schema in words where the dialect cannot carry it. */
export function toSystem(call: ModelCall, dialect: SchemaDialect): string | undefined {
  const inWords =
    call.schema !== null && dialect === 'json_object'
      ? `Answer with one JSON object that matches this JSON Schema, and nothing else:\n${JSON.stringify(call.schema.schema)}`
      : ''
  const system = [call.system, inWords].filter((part) => part !== '').join('\n\n')
  return system === '' ? undefined : system
}

/** `strict` promises every property in `required`; the service refuses a schema that breaks the promise. */
export function schemaOptions(schema: JsonSchema, providerName: string): ProviderOptions {
  return { [providerName]: { strictJsonSchema: isStrict(schema) } }
}

/** Whether every object in a schema is closed and requires all of its properties. */
function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict)
  if (typeof schema !== 'object' || schema === null) return true
  const { properties, required, additionalProperties } = schema as Record<string, unknown>
  if ((schema as { type?: unknown }).type === 'object' || properties !== undefined) {
    const names = Object.keys((properties ?? {}) as object)
    if (additionalProperties !== false || !Array.isArray(required)) return false
    if (!names.every((name) => required.includes(name))) return false
  }
  return Object.values(schema).every(isStrict)
}
