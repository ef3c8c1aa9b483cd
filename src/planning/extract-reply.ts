/** Finds the one plan in a model's reply: past thinking, prose and fences. What is ambiguous or cut short is a fault, never a guess. */
import { canonicalJson } from '../domain/canonical-json.ts'
import { readLenientJson } from './lenient-json.ts'
import { planFault, type PlanFault } from './plan-fault.ts'
import { readYaml } from './read-yaml.ts'

export type ExtractedReply =
  | { readonly kind: 'document'; readonly document: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly faults: readonly PlanFault[] }

/** The plan that the reply holds. Never throws for what the text holds. */
export function extractReply(text: string): ExtractedReply {
  const found = scan(text)
  const plans = distinct(found.objects.map(unwrap).filter((object) => Object.hasOwn(object, 'jobs')))
  if (plans.length > 1) return invalid('several_documents', `expected one plan, found ${plans.length} different ones`)
  if (found.truncated) return invalid('truncated', 'expected a complete document, found one that ends in the middle')
  const [plan] = plans
  if (plan !== undefined) return { kind: 'document', document: plan }
  if (found.syntax !== null) return { kind: 'invalid', faults: [found.syntax] }
  return readFencedYaml(text) ?? invalid('no_document', noDocument(found.objects.length))
}

function invalid(code: Parameters<typeof planFault>[0], message: string): ExtractedReply {
  return { kind: 'invalid', faults: [planFault(code, [], message)] }
}

function noDocument(objects: number): string {
  const expected = 'expected a JSON object with the key jobs'
  return objects === 0 ? `${expected}, found none` : `${expected}, found an object without it`
}

type JsonObject = Readonly<Record<string, unknown>>

interface Scan {
  readonly objects: JsonObject[]
  truncated: boolean
  syntax: PlanFault | null
}

const landmark = /<(\/?)(think|thinking|reasoning)\b[^>]*>|\{(?=\s*(?:["}]|\/[/*]))/gi

/** Every complete object outside of thinking. */
function scan(text: string): Scan {
  const result: Scan = { objects: [], truncated: false, syntax: null }
  const pattern = new RegExp(landmark)
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [found, closing, tag] = match
    if (tag === undefined) pattern.lastIndex = readObject(text, match.index, result)
    else if (closing === '/') {
      // Some servers cut the opening tag off: everything up to here was thinking.
      Object.assign(result, { truncated: false, syntax: null })
      result.objects.length = 0
    } else {
      const end = text.toLowerCase().indexOf(`</${tag.toLowerCase()}>`, match.index)
      // Thinking that never ends means the reply was cut before the plan began.
      if (end === -1) result.truncated = true
      pattern.lastIndex = end === -1 ? text.length : end + tag.length + 3
    }
    if (pattern.lastIndex <= match.index) pattern.lastIndex = match.index + found.length
  }
  return result
}

/** Returns where to go on. */
function readObject(text: string, start: number, result: Scan): number {
  const read = readLenientJson(text, start)
  switch (read.kind) {
    case 'value':
      result.objects.push(read.value as JsonObject)
      return read.end
    case 'truncated':
      result.truncated = true
      // A closing thinking tag behind it would show that it was only a draft.
      return start + 1
    case 'syntax':
      result.syntax ??= {
        ...planFault('syntax', [], read.message),
        line: text.slice(0, read.at).split('\n').length,
      }
      return Math.max(read.at, start + 1)
  }
}

/** `{"plan": {...}}` is the plan. */
function unwrap(object: JsonObject): JsonObject {
  const [only, second] = Object.values(object)
  const wraps = second === undefined && typeof only === 'object' && only !== null && Object.hasOwn(only, 'jobs')
  return wraps ? (only as JsonObject) : object
}

/** The same document twice, once as a draft and once as the answer, is one. */
function distinct(objects: readonly JsonObject[]): readonly JsonObject[] {
  return [...new Map(objects.map((object) => [canonicalJson(object), object])).values()]
}

/** Some models answer in YAML whatever they are asked for. */
function readFencedYaml(text: string): ExtractedReply | null {
  const [block, second] = [...text.matchAll(/^```ya?ml[^\n]*\n([\s\S]*?)^```\s*$/gm)]
  if (block === undefined || second !== undefined) return null
  const read = readYaml(block[1] ?? '')
  if (read.kind === 'invalid') return read
  const document = unwrap(read.value as JsonObject)
  return Object.hasOwn(document, 'jobs') ? { kind: 'document', document } : null
}
