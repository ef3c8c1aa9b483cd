import { describe, expect, it } from 'vitest'
import { compileJsonSchema } from '../../src/domain/json-schema.ts'
import type { JsonSchema } from '../../src/domain/plan.ts'

function fits(schema: JsonSchema, value: unknown): boolean {
  const compiled = compileJsonSchema(schema)
  if ('fault' in compiled) throw new Error(compiled.fault)
  return compiled.check(value).length === 0
}

describe('compileJsonSchema', () => {
  it.each<[string, JsonSchema, unknown, boolean]>([
    ['a required member', { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }, { a: 1 }, true],
    ['a missing member', { type: 'object', properties: { a: {} }, required: ['a'] }, {}, false],
    ['a required name without a property', { type: 'object', required: ['a'] }, { b: 1 }, false],
    ['the same, present', { type: 'object', required: ['a'] }, { a: null }, true],
    ['required without a type', { required: ['a'] }, {}, false],
    ['required without a type, not an object', { required: ['a'] }, 'text', true],
    ['properties without a type', { properties: { a: { type: 'string' } } }, { a: 1 }, false],
    ['a default is no member', { type: 'object', properties: { a: { default: 3 } }, required: ['a'] }, {}, false],
    ['a length without a type', { minLength: 3 }, 'x', false],
    ['a minimum without a type', { minimum: 3 }, 1, false],
    ['a further member', { type: 'object', properties: {}, additionalProperties: false }, { b: 2 }, false],
    ['nested items', { type: 'array', items: { required: ['id'] }, minItems: 1 }, [{}], false],
    ['a reference', { $ref: '#/$defs/x', $defs: { x: { required: ['a'] } } }, {}, false],
    ['anyOf without types', { anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { b: 1 }, true],
    ['neither of anyOf', { anyOf: [{ required: ['a'] }, { required: ['b'] }] }, {}, false],
    [
      'a property called default',
      { type: 'object', properties: { default: { type: 'number' } } },
      { default: 'x' },
      false,
    ],
    ['an empty schema', {}, { anything: true }, true],
  ])('%s', (_name, schema, value, expected) => {
    expect(fits(schema, value)).toBe(expected)
  })

  it.each<JsonSchema>([{ not: { type: 'string' } }, { if: {} }, { type: 'frob' }, { type: 'string', pattern: '(' }])(
    'says that it cannot check %j',
    (schema) => {
      expect(compileJsonSchema(schema)).toHaveProperty('fault')
    },
  )

  it('names the path of a fault', () => {
    const compiled = compileJsonSchema({
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'number' } } },
    })
    expect('check' in compiled && compiled.check({ a: [1, 'x'] })[0]).toContain('a.1')
  })
})
