import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileReply, planReplySchema, type PlanFrame } from '../../src/planning/plan-reply.ts'
import { validatePlan } from '../../src/planning/validate-plan.ts'

const frame: PlanFrame = { project: 'x', goal: 'g', budgetMicroUsd: 7, workspace: '/w' }
const job = (fields: object = {}) => ({ key: 'a', title: 'A', description: 'd', executor: 'agent', ...fields })

describe('compileReply', () => {
  it('puts the jobs into the person’s frame, null meaning the default', () => {
    const nulls = { role: null, priority: null, run: null, needs: null, writes: null, tasks: null, estimate: null }
    expect(compileReply({ jobs: [job(nulls)] }, frame)).toMatchObject({
      kind: 'plan',
      plan: {
        project: 'x',
        goal: 'g',
        budgetMicroUsd: 7,
        workspace: '/w',
        commands: [],
        jobs: [{ key: 'a', role: 'general_worker', priority: 'medium', writes: null, maxTries: 3, model: null }],
      },
      ignored: [],
    })
  })

  it('ignores an echo of the frame and reports what only a person may set', () => {
    const reply = { version: 1, project: 'other', goal: 'other', workspace: '/etc', jobs: [job({ model: 'a/b' })] }
    expect(compileReply(reply, frame)).toMatchObject({
      plan: { project: 'x', goal: 'g', workspace: '/w', jobs: [{ model: null }] },
      ignored: ['workspace', 'jobs[0].model'],
    })
  })

  it('reads a JSON Schema written as text or as an object, and names text that is none', () => {
    const check = (schema: unknown) => ({
      id: 'shape',
      check: 'schema',
      path: 'a.json',
      reply: false,
      schema,
      run: null,
    })
    for (const schema of ['{"type":"object"}', { type: 'object' }]) {
      expect(compileReply({ jobs: [job({ acceptance: [check(schema)] })] }, frame)).toMatchObject({
        plan: { jobs: [{ acceptance: [{ check: 'schema', path: 'a.json', schema: { type: 'object' } }] }] },
      })
    }
    expect(compileReply({ jobs: [job({ acceptance: [check('an object')] })] }, frame)).toMatchObject({
      kind: 'invalid',
      faults: [{ code: 'bad_value', path: 'jobs[0].acceptance[0].schema' }],
    })
  })

  it.each([
    ['an invented key', { jobs: [job({ owner: 'me' })] }, 'unknown_key', 'jobs[0].owner'],
    ['an invented key at the top', { jobs: [job()], summary: 'x' }, 'unknown_key', 'summary'],
    ['an executor of later', { jobs: [job({ executor: 'human' })] }, 'not_in_this_version', 'jobs[0].executor'],
    ['jobs that are no list', { jobs: { a: job() } }, 'wrong_type', 'jobs'],
    ['a job that is no object', { jobs: ['a'] }, 'wrong_type', 'jobs[0]'],
    ['no jobs', { jobs: [] }, 'bad_value', 'jobs'],
  ])('names %s by code and path', (_name, reply, code, path) => {
    expect(compileReply(reply, frame)).toMatchObject({ kind: 'invalid', faults: [{ code, path }] })
  })

  it('keeps or reports every edge, whatever the model wrote', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'nowhere')
    const jobs = fc.array(fc.record({ key, depends_on: fc.array(key, { maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(jobs, (entries) => {
        const compiled = compileReply({ jobs: entries.map((entry) => job(entry)) }, frame)
        const kept = compiled.kind === 'plan' ? compiled.plan.jobs.map(({ dependsOn }) => [...dependsOn]) : []
        expect(kept).toEqual(entries.map((entry) => entry.depends_on))
      }),
    )
  })

  it('never throws, and what it accepts the validator can judge', () => {
    fc.assert(
      fc.property(fc.record({ jobs: fc.oneof(fc.anything(), fc.array(fc.object())) }), (reply) => {
        const compiled = compileReply(reply, frame)
        return compiled.kind === 'invalid' || Array.isArray(validatePlan(compiled.plan, { roles: new Set() }))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('planReplySchema', () => {
  it('is what strict modes accept: every key required, nothing free-form, no person-only field', () => {
    const schema = planReplySchema()
    const objects = objectsIn(schema)
    expect(objects.length).toBeGreaterThan(3)
    for (const object of objects) {
      expect(object.additionalProperties).toBe(false)
      expect(object.required.toSorted()).toEqual(Object.keys(object.properties).toSorted())
    }
    expect(JSON.stringify(schema)).not.toMatch(/"(budget_usd|workspace|commands|model|max_tries)":/)
  })
})

interface ObjectSchema {
  readonly properties: object
  readonly required: readonly string[]
  readonly additionalProperties: unknown
}

function objectsIn(value: unknown): ObjectSchema[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'properties' in value && 'type' in value ? [value as unknown as ObjectSchema] : []
  return [...own, ...Object.values(value).flatMap(objectsIn)]
}
