import type { Model } from '../models/model.ts'
import type { ModelCall } from '../providers/model-client.ts'

/** Tokens of English and code are 3 to 4.5 bytes; the fit must err on the side of fitting. */
export const bytesPerTokenForFit = 3
/** A reply shorter than this is no use to anybody. */
const leastOutputTokens = 512

/** UTF-8 bytes of everything a call sends: with every byte a token, an upper bound of its input. */
export function requestBytesOf(call: Pick<ModelCall, 'system' | 'messages' | 'tools' | 'schema'>): number {
  const { system, messages, tools, schema } = call
  return Buffer.byteLength(JSON.stringify({ system, messages, tools, schema }))
}

/**
 * The output limit for a model: what is wanted, within what it can write and what its context leaves.
 * Null when the request leaves no room for a reply. A model of unknown limits gets what is wanted.
 */
export function fitOutput(model: Model, requestBytes: number, wantedTokens: number): number | null {
  const most = Math.min(wantedTokens, model.specs.maxOutputTokens?.value ?? wantedTokens)
  const contextTokens = model.specs.contextTokens?.value
  if (contextTokens === undefined) return most
  const room = contextTokens - Math.ceil(requestBytes / bytesPerTokenForFit)
  return room < Math.min(most, leastOutputTokens) ? null : Math.min(most, room)
}
