/** The smallest value that a JSON Schema accepts, for the simulated model. Covers what orch's own schemas use. */

type Schema = Readonly<Record<string, unknown>>

export interface MinimalValueOptions {
  /** What free text says. */
  readonly text: string
}

const deepest = 12

/** A value for a schema; null where the schema asks for something this does not know. */
export function minimalValue(schema: unknown, options: MinimalValueOptions): unknown {
  return build({ schema: asSchema(schema), root: asSchema(schema), options, depth: 0 })
}

interface Step {
  readonly schema: Schema
  readonly root: Schema
  readonly options: MinimalValueOptions
  readonly depth: number
}

function build(step: Step): unknown {
  const { schema, depth } = step
  if (depth > deepest) return null
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0] ?? null
  if (typeof schema['$ref'] === 'string') return inside(step, resolveReference(step.root, schema['$ref']))
  const branches = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(branches)) return inside(step, branches[0])
  if (Array.isArray(schema['allOf'])) return inside(step, mergeAll(schema, schema['allOf']))
  return buildType(step, typeOf(schema))
}

function buildType(step: Step, type: unknown): unknown {
  switch (type) {
    case 'object':
      return buildObject(step)
    case 'array':
      return buildArray(step)
    case 'string':
      return buildText(step)
    case 'number':
    case 'integer':
      return buildNumber(step.schema)
    case 'boolean':
      return false
    default:
      return null
  }
}

function inside(step: Step, schema: unknown): unknown {
  return build({ ...step, schema: asSchema(schema), depth: step.depth + 1 })
}

function typeOf(schema: Schema): unknown {
  const { type } = schema
  if (Array.isArray(type)) return type.find((one) => one !== 'null') ?? 'null'
  return type ?? (schema['properties'] === undefined ? undefined : 'object')
}

function buildObject(step: Step): unknown {
  const properties = asSchema(step.schema['properties'])
  const required: readonly unknown[] = Array.isArray(step.schema['required']) ? step.schema['required'] : []
  const names = required.filter((name): name is string => typeof name === 'string')
  return Object.fromEntries(names.map((name) => [name, inside(step, properties[name] ?? { type: 'string' })]))
}

function buildArray(step: Step): unknown[] {
  const count = numberOr(step.schema['minItems'], 0)
  return Array.from({ length: Math.min(count, 100) }, () => inside(step, step.schema['items']))
}

const texts: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  email: 'rehearsal@example.com',
  uri: 'https://example.com/rehearsal',
  url: 'https://example.com/rehearsal',
  uuid: '00000000-0000-7000-8000-000000000000',
}

function buildText({ schema, options }: Step): string {
  const { format } = schema
  const text = typeof format === 'string' && texts[format] !== undefined ? texts[format] : options.text
  const longest = numberOr(schema['maxLength'], text.length)
  return text
    .padEnd(numberOr(schema['minLength'], 0), '.')
    .slice(0, Math.max(longest, numberOr(schema['minLength'], 0)))
}

function buildNumber(schema: Schema): number {
  const isWhole = schema['type'] === 'integer'
  const above = numberOr(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY)
  const least = Math.max(
    numberOr(schema['minimum'], Number.NEGATIVE_INFINITY),
    above === Number.NEGATIVE_INFINITY ? above : above + 1,
  )
  const most = numberOr(schema['maximum'], Number.POSITIVE_INFINITY)
  const value = Math.min(Math.max(0, least), most)
  return isWhole ? Math.ceil(value) : value
}

function resolveReference(root: Schema, reference: string): unknown {
  let current: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (part !== '') current = asSchema(current)[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return current
}

function mergeAll(schema: Schema, parts: readonly unknown[]): Schema {
  const { allOf: _allOf, ...own } = schema
  const all = [own, ...parts.map(asSchema)]
  return {
    ...Object.assign({}, ...all),
    properties: Object.assign({}, ...all.map((part) => part['properties'])),
    required: all.flatMap((part) => (Array.isArray(part['required']) ? part['required'] : [])),
  }
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {}
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
