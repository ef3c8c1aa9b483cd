import * as z from 'zod'
import { errorMessage } from '../errors/orch-error.ts'
import type { JsonSchema } from './plan.ts'

/** Why a value does not fit, one line per fault with its path; empty when it fits. */
export type SchemaFaults = readonly string[]

const mostFaults = 5

/**
 * Checks values against a JSON Schema by zod. Throws nothing for any schema: `fault` says why one cannot be
 * checked (an unknown type, or a keyword that zod does not support: not, if, dependentRequired, unevaluated...,
 * remote $ref).
 */
export function compileJsonSchema(
  schema: JsonSchema | boolean,
): { readonly check: (value: unknown) => SchemaFaults } | { readonly fault: string } {
  try {
    const compiled = z.fromJSONSchema(strict(schema) as Parameters<typeof z.fromJSONSchema>[0])
    return {
      check: (value) => {
        const result = compiled.safeParse(value)
        return result.success ? [] : result.error.issues.slice(0, mostFaults).map(describe)
      },
    }
  } catch (error) {
    return { fault: errorMessage(error) }
  }
}

function describe({ path, message }: z.core.$ZodIssue): string {
  return `${path.length === 0 ? 'the value' : path.map(String).join('.')}: ${message}`
}

const allTypes = ['object', 'array', 'string', 'number', 'boolean', 'null']
/** Keywords that zod heeds only beside a `type`; by the standard they apply to values of their type alone. */
const typedKeywords = [
  'properties',
  'required',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'uniqueItems',
  'contains',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
]
const schemaMaps = new Set(['properties', 'patternProperties', '$defs', 'definitions'])
const schemaPlaces = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'additionalProperties',
  'contains',
  'propertyNames',
  'allOf',
  'anyOf',
  'oneOf',
])

/**
 * The schema in the form zod enforces fully. Left as it is, zod would ignore keywords without a `type`, ignore
 * `required` names that are not among `properties`, and let a `default` stand in for a missing member.
 */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const { default: _default, ...entries } = schema as Record<string, unknown>
  const made = Object.fromEntries(Object.entries(entries).map(([keyword, value]) => [keyword, inside(keyword, value)]))
  const needsType = made['type'] === undefined && made['$ref'] === undefined && made['enum'] === undefined
  if (needsType && made['const'] === undefined && typedKeywords.some((keyword) => keyword in made)) {
    made['type'] = allTypes
  }
  return requireByName(made)
}

function inside(keyword: string, value: unknown): unknown {
  if (schemaPlaces.has(keyword)) return strict(value)
  if (!schemaMaps.has(keyword) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, strict(member)]))
}

function requireByName(schema: Record<string, unknown>): Record<string, unknown> {
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  const properties = (schema['properties'] ?? {}) as Record<string, unknown>
  const unnamed = required.filter((name) => !Object.hasOwn(properties, name))
  if (unnamed.length === 0) return schema
  const present = {
    type: 'object',
    properties: Object.fromEntries(unnamed.map((name) => [name, {}])),
    required: unnamed,
  }
  const others = allTypes.filter((type) => type !== 'object')
  return { allOf: [schema, { anyOf: [present, { type: others }] }] }
}
