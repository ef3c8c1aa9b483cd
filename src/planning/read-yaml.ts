/** YAML (and so JSON) to plain values, with caps applied before anything is composed or expanded. */
import { Composer, LineCounter, Parser, isMap, isNode, isScalar, type CST, type Document } from 'yaml'
import { planFault, type PlanFault, type PlanPath } from './plan-fault.ts'

export const documentLimitBytes = 16 * 1024 * 1024
const depthLimit = 64
const aliasLimit = 100

export type ReadYaml =
  | { readonly kind: 'value'; readonly value: unknown; readonly lineOf: (at: PlanPath) => number | null }
  | { readonly kind: 'invalid'; readonly faults: readonly PlanFault[] }

/** Reads one document. Never throws for what the text holds. */
export function readYaml(text: string): ReadYaml {
  if (Buffer.byteLength(text) > documentLimitBytes) {
    return refuse('too_large', `expected at most ${documentLimitBytes / 1024 / 1024} MiB, found more`)
  }
  const lines = new LineCounter()
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const excess = tokens.map(measure).find((fault) => fault !== null)
  if (excess) return { kind: 'invalid', faults: [excess] }
  const documents = [...new Composer({ merge: false, logLevel: 'silent' }).compose(tokens, true, text.length)]
  const [document, second] = documents
  if (document === undefined) return refuse('no_document', 'expected a plan, found an empty document')
  if (second !== undefined) return refuse('several_documents', 'expected one YAML document, found more (---)')
  const [syntax] = document.errors
  if (syntax) {
    const fault = planFault('syntax', [], syntax.message)
    return { kind: 'invalid', faults: [{ ...fault, line: lines.linePos(syntax.pos[0]).line }] }
  }
  return toValue(document, lines)
}

function refuse(code: Parameters<typeof planFault>[0], message: string): ReadYaml {
  return { kind: 'invalid', faults: [planFault(code, [], message)] }
}

function toValue(document: Document.Parsed, lines: LineCounter): ReadYaml {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: aliasLimit })
  } catch (error) {
    // The library throws a ReferenceError when aliases multiply beyond the cap or name nothing.
    if (!(error instanceof ReferenceError)) throw error
    return refuse('too_many_aliases', `expected at most ${aliasLimit} expanded aliases`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('wrong_type', 'expected a mapping with version, project, goal and jobs')
  }
  return { kind: 'value', value, lineOf: (at) => lineAt(document, lines, at) }
}

/** The line of a value; of its key for a mapping's member; of what surrounds it when it is missing. */
function lineAt(document: Document.Parsed, lines: LineCounter, at: PlanPath): number | null {
  for (let length = at.length; length >= 0; length--) {
    const parent = length === 0 ? null : document.getIn(at.slice(0, length - 1), true)
    const name = at[length - 1]
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(name))?.key
      : undefined
    const node = key ?? (length === 0 ? document.contents : document.getIn(at.slice(0, length), true))
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return null
}

/** Depth and aliases of the token tree, without recursion. */
function measure(token: CST.Token): PlanFault | null {
  const open: { token: CST.Token | null | undefined; depth: number }[] = [{ token, depth: 0 }]
  let aliases = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!next.token) continue
    if (next.depth > depthLimit) {
      return planFault('too_deep', [], `expected at most ${depthLimit} levels, found more`)
    }
    if (next.token.type === 'alias' && ++aliases > aliasLimit) {
      return planFault('too_many_aliases', [], `expected at most ${aliasLimit} aliases, found more`)
    }
    const depth = next.depth + 1
    if (next.token.type === 'document') open.push({ token: next.token.value, depth: next.depth })
    if ('items' in next.token) {
      for (const { key, value } of next.token.items) {
        open.push({ token: key, depth }, { token: value, depth })
      }
    }
  }
  return null
}
