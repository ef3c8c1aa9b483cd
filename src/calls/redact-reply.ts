import type { ModelReply } from '../providers/model-client.ts'

/** A reply without any known secret, before it reaches the spool, the database or another model. */
export function redactReply(reply: ModelReply, redact: (text: string) => string): ModelReply {
  return {
    ...reply,
    text: redact(reply.text),
    toolCalls: reply.toolCalls.map((call) => ({ ...call, input: redactValue(call.input, redact) })),
  }
}

function redactValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redactValue(member, redact)]))
}
