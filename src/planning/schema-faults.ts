/** Turns a schema library's complaints into faults that say what was expected and what was found. */
import type * as z from 'zod'
import { closestWord } from '../domain/closest-word.ts'
import { planFault, type PlanFault, type PlanFaultCode, type PlanPath } from './plan-fault.ts'
import { isPlannedExecutor } from './plan-schema.ts'

type Issue = z.core.$ZodIssue

export interface FaultContext {
  readonly document: unknown
  /** Keys that belong at a place, for suggestions. */
  readonly knownKeysAt: (at: PlanPath, value: unknown) => readonly string[]
}

/** Names people and models often use for a key of the plan. */
const otherNames: Readonly<Record<string, string>> = {
  id: 'key',
  name: 'key',
  slug: 'project',
  budget: 'budget_usd',
  dependencies: 'depends_on',
  dependson: 'depends_on',
  blocked_by: 'depends_on',
  requires: 'depends_on',
  command: 'run',
  cmd: 'run',
  argv: 'run',
  type: 'executor',
  kind: 'executor',
  outputs: 'deliverables',
  files: 'deliverables',
  checks: 'acceptance',
  steps: 'tasks',
  retries: 'max_tries',
  maxtries: 'max_tries',
  timeout_seconds: 'timeout',
}

/** One fault per complaint, several for a list of unknown keys. */
export function schemaFaults(error: z.ZodError, context: FaultContext): readonly PlanFault[] {
  return error.issues.flatMap((issue) => toFaults(issue, context))
}

function toFaults(issue: Issue, context: FaultContext): readonly PlanFault[] {
  const at = issue.path.filter((part) => typeof part !== 'symbol')
  const value = valueAt(context.document, at)
  if (issue.code === 'unrecognized_keys') {
    const known = context.knownKeysAt(at, value)
    return issue.keys.map((key) => planFault('unknown_key', [...at, key], suggestKey(key, known)))
  }
  if (issue.code === 'invalid_type' && value === undefined) {
    return [planFault('missing_key', at, `expected ${expectedText(issue)}, found nothing`)]
  }
  if (at.at(-1) === 'executor' && isPlannedExecutor(value)) {
    const message = `executor ${found(value)} is not in this version; expected agent, llm or command`
    return [planFault('not_in_this_version', at, message)]
  }
  return [planFault(codeOf(issue), at, `expected ${expectedText(issue)}, found ${found(value)}`)]
}

function suggestKey(key: string, known: readonly string[]): string {
  const alias = otherNames[key.toLowerCase()]
  const suggestion = alias !== undefined && known.includes(alias) ? alias : closestWord(key, known)
  const meant = suggestion === null ? `expected one of ${known.join(', ')}` : `did you mean ${suggestion}?`
  return `no such key here; ${meant}`
}

function codeOf(issue: Issue): PlanFaultCode {
  return issue.code === 'invalid_type' ? 'wrong_type' : 'bad_value'
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list of arguments',
  object: 'a mapping',
  record: 'a mapping',
}

function expectedText(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'text that is not empty'
        : `at least ${sized(issue, issue.minimum)}`
    case 'too_big':
      return `at most ${sized(issue, issue.maximum)}`
    case 'invalid_format':
      return `text that matches ${'pattern' in issue && issue.pattern ? String(issue.pattern) : issue.format}`
    case 'invalid_union':
      return issue.path.at(-1) === 'timeout' ? 'seconds, or text like 90s, 10m or 1h' : 'file, schema or command'
    default:
      return issue.message
  }
}

function sized(issue: { readonly origin: string }, limit: number | bigint): string {
  if (issue.origin === 'string') return `${limit} characters`
  return issue.origin === 'array' || issue.origin === 'tuple' ? `${limit} entries` : String(limit)
}

const shownCharacters = 60

/** A value as a reader recognizes it, cut short. */
export function found(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'a mapping'
  const text = JSON.stringify(value)
  const kind = typeof value === 'string' ? '' : `${value === null ? '' : `${typeof value} `}`
  return `${kind}${text.length > shownCharacters ? `${text.slice(0, shownCharacters)}... (${text.length} characters)` : text}`
}

function valueAt(document: unknown, at: PlanPath): unknown {
  return at.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    return (value as Record<string | number, unknown>)[part]
  }, document)
}
