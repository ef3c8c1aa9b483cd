import type { ChatMessage } from '../providers/model-client.ts'

/** What stays of a tool output that was left out. */
function stub(name: string, bytes: number): string {
  return `[left out to fit the context: output of ${name}, ${bytes} bytes; call the tool again if you need it]`
}

/** Outputs below this size are kept: leaving them out would win little. */
const smallBytes = 400
/** Results a model has just asked for must reach it. */
const keptTail = 4

/**
 * The messages, with the oldest tool outputs replaced by a note until they fit. Depends on nothing but its
 * arguments, so that a replayed conversation asks for the same again. Fitting is not guaranteed: what the
 * model itself said is never changed.
 */
export function fitConversation(messages: readonly ChatMessage[], limitBytes: number): readonly ChatMessage[] {
  let excess = messages.reduce((sum, message) => sum + bytesOf(message), 0) - limitBytes
  if (excess <= 0) return messages
  return messages.map((message, index) => {
    if (excess <= 0 || message.role !== 'tool' || index >= messages.length - keptTail) return message
    const bytes = Buffer.byteLength(message.output)
    if (bytes < smallBytes) return message
    const output = stub(message.name, bytes)
    excess -= bytes - Buffer.byteLength(output)
    return { ...message, output }
  })
}

function bytesOf(message: ChatMessage): number {
  return Buffer.byteLength(JSON.stringify(message))
}
