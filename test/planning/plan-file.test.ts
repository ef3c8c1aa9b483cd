import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planHash } from '../../src/domain/plan-hash.ts'
import { executorKinds, modelNeeds, type Argv, type Check, type Plan, type PlannedJob } from '../../src/domain/plan.ts'
import { priorities, type Priority } from '../../src/domain/job-state.ts'
import { parsePlanFile, serializePlan } from '../../src/planning/plan-file.ts'
import { planFileSchema } from '../../src/planning/plan-schema.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'

const design = `
version: 1
project: todo-api
goal: "A REST API for todo lists with tests"
budget_usd: 5
workspace: .
commands: [["npm", "test"]]
jobs:
  - key: scaffold
    title: Scaffold the repository
    role: engineer
    description: Make it.
    depends_on: []
    priority: high
    executor: agent
    needs: [tools]
    writes: ["src/**"]
    locks: []
    tasks: [{ title: One, description: First }]
    acceptance:
      - { id: builds, check: command, run: ["npm", "test"], timeout: 90s }
      - { id: made, check: file, path: package.json, contains: '"name"' }
      - { id: shaped, check: schema, reply: true, schema: { type: object } }
    deliverables: ["package.json", "src/**"]
    estimate: { input_tokens: 6000, output_tokens: 3000 }
`

function faultsOf(text: string) {
  const parsed = parsePlanFile(text)
  if (parsed.kind === 'plan') throw new Error('expected faults')
  return parsed.faults.map(({ code, path, line, message }) => ({ code, path, line, message }))
}

const planWith = (lines: string) => `version: 1
project: x
goal: g
jobs:
  - key: a
    title: A
    description: d
${lines}`

describe('plan file', () => {
  it('reads the example of the design', () => {
    const parsed = parsePlanFile(design)
    expect(parsed).toMatchObject({
      kind: 'plan',
      plan: {
        project: 'todo-api',
        budgetMicroUsd: 5_000_000,
        commands: [['npm', 'test']],
        jobs: [
          {
            key: 'scaffold',
            priority: 'high',
            executor: 'agent',
            maxTries: 3,
            acceptance: [{ timeoutMs: 90_000 }, { changed: true, contains: '"name"' }, { path: null }],
            estimate: { inputTokens: 6000, outputTokens: 3000 },
          },
        ],
      },
    })
  })

  it.each([
    [
      'an unknown key with a suggestion',
      planWith('    depend_on: []'),
      'unknown_key',
      'jobs[0].depend_on',
      8,
      'did you mean depends_on?',
    ],
    [
      'a key by another name',
      planWith('    dependencies: []'),
      'unknown_key',
      'jobs[0].dependencies',
      8,
      'did you mean depends_on?',
    ],
    [
      'an unknown key of a check',
      planWith('    acceptance:\n      - { id: x, check: file, path: p, contain: y }'),
      'unknown_key',
      'jobs[0].acceptance[0].contain',
      9,
      'contains',
    ],
    [
      'an unknown key at the top',
      'version: 1\nproject: x\ngoal: g\nbudget: 5\njobs: []',
      'unknown_key',
      'budget',
      4,
      'budget_usd',
    ],
    [
      'a missing key',
      'version: 1\nproject: x\ngoal: g\njobs:\n  - key: a\n    title: T',
      'missing_key',
      'jobs[0].description',
      5,
      'expected text, found nothing',
    ],
    [
      'another type',
      planWith('    priority: 5'),
      'bad_value',
      'jobs[0].priority',
      8,
      'low, medium, high or critical, found number 5',
    ],
    [
      'a number for text',
      'version: 1\nproject: x\ngoal: 7\njobs: []',
      'wrong_type',
      'goal',
      3,
      'expected text, found number 7',
    ],
    [
      'another version',
      design.replace('version: 1', 'version: 2'),
      'bad_value',
      'version',
      2,
      'expected 1, found number 2',
    ],
    [
      'a bad key',
      planWith('').replace('key: a', 'key: A b'),
      'bad_value',
      'jobs[0].key',
      5,
      'expected text that matches',
    ],
    [
      'a shell line',
      planWith('    executor: command\n    run: npm test'),
      'wrong_type',
      'jobs[0].run',
      9,
      'expected a list of arguments, found "npm test"',
    ],
    [
      'an executor of later',
      planWith('    executor: cli'),
      'not_in_this_version',
      'jobs[0].executor',
      8,
      'not in this version',
    ],
    [
      'a person as executor',
      planWith('    executor: human'),
      'not_in_this_version',
      'jobs[0].executor',
      8,
      'not in this version',
    ],
    [
      'a check of no kind',
      planWith('    acceptance: [{ id: a, check: magic }]'),
      'bad_value',
      'jobs[0].acceptance[0].check',
      8,
      'file, schema or command',
    ],
    [
      'a schema check of nothing',
      planWith('    acceptance: [{ id: a, check: schema, schema: {} }]'),
      'bad_value',
      'jobs[0].acceptance[0]',
      8,
      'either path or reply',
    ],
    ['a timeout in words', planWith('    timeout: soon'), 'bad_value', 'jobs[0].timeout', 8, '90s'],
    ['no jobs', 'version: 1\nproject: x\ngoal: g\njobs: []', 'bad_value', 'jobs', 4, 'at least 1 entries'],
    ['broken YAML', 'version: 1\njobs: [', 'syntax', '', 2, 'Flow'],
    ['the same key twice', 'version: 1\nversion: 1', 'syntax', '', 2, 'unique'],
    ['a list', '- a', 'wrong_type', '', null, 'a mapping'],
    ['nothing', '', 'wrong_type', '', null, 'a mapping'],
    ['two documents', 'version: 1\n---\nversion: 1', 'several_documents', '', null, 'one YAML document'],
    ['100,000 brackets', '['.repeat(100_000), 'too_deep', '', null, '64 levels'],
    ['17 MiB', 'x'.repeat(17 * 1024 * 1024), 'too_large', '', null, '16 MiB'],
    ['101 aliases', `a: &a 1\nb: [${'*a, '.repeat(101)}]`, 'too_many_aliases', '', null, '100 aliases'],
    [
      'an alias bomb',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
      'too_many_aliases',
      '',
      null,
      'aliases',
    ],
  ])('refuses %s', (_name, text, code, path, line, message) => {
    const faults = faultsOf(text)
    expect(faults).toContainEqual({ code, path, line, message: expect.stringContaining(message) })
  })

  it('reports every fault of a document at once', () => {
    expect(faultsOf(planWith('    depend_on: []\n    priority: 5\n    executor: cli'))).toHaveLength(3)
  })

  it('writes defaults away and argument lists on one line', () => {
    const text = serializePlan(aPlan({ jobs: [aJob({ executor: 'command', role: null, run: ['node', '-e', '0'] })] }))
    expect(text).toContain('run: [node, -e, "0"]')
    expect(text).not.toContain('max_tries')
  })

  it('reads back an equal plan with an equal hash, whatever it holds', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const parsed = parsePlanFile(serializePlan(plan))
        expect(parsed).toMatchObject({ kind: 'plan', plan })
        expect(parsed.kind === 'plan' && planHash(parsed.plan)).toBe(planHash(plan))
      }),
      { numRuns: 300 },
    )
  })

  it('publishes its schema', () => {
    expect(planFileSchema()).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['version', 'project', 'goal', 'jobs'],
    })
  })
})

const anyText = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' })
const anyArgv = fc
  .tuple(anyText, fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }))
  .map(([first, rest]): Argv => [first, ...rest])
const anyCheck: fc.Arbitrary<Check> = fc.oneof(
  fc.record({
    id: fc.constantFrom('a', 'b-1'),
    check: fc.constant('file' as const),
    path: anyText,
    contains: fc.option(anyText),
    changed: fc.boolean(),
  }),
  fc.record({
    id: fc.constant('s'),
    check: fc.constant('schema' as const),
    path: fc.option(anyText),
    schema: fc.constantFrom({}, { type: 'object', required: ['a'] }),
  }),
  fc.record({
    id: fc.constant('c'),
    check: fc.constant('command' as const),
    run: anyArgv,
    timeoutMs: fc.integer({ min: 1, max: 10_000_000 }),
  }),
)
const anyJob: fc.Arbitrary<PlannedJob> = fc.record({
  key: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/),
  title: anyText,
  description: anyText,
  role: fc.constantFrom('engineer', 'general_worker'),
  dependsOn: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }),
  priority: fc.constantFrom(...(Object.keys(priorities) as Priority[])),
  executor: fc.constantFrom(...executorKinds),
  run: fc.option(anyArgv),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 10_000_000 })),
  repeatable: fc.boolean(),
  needs: fc.subarray([...modelNeeds]),
  writes: fc.option(fc.array(anyText, { maxLength: 2 })),
  locks: fc.array(anyText, { maxLength: 2 }),
  tasks: fc.array(fc.record({ title: anyText, description: anyText }), { maxLength: 2 }),
  acceptance: fc.array(anyCheck, { maxLength: 2 }),
  deliverables: fc.array(anyText, { maxLength: 2 }),
  estimate: fc.option(fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() })),
  maxTries: fc.integer({ min: 1, max: 9 }),
  model: fc.option(fc.constantFrom('ollama/qwen3:8b', 'openrouter/a/b')),
})
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  version: fc.constant(1 as const),
  project: fc.stringMatching(/^[a-z0-9]{1,9}$/),
  goal: anyText,
  budgetMicroUsd: fc.option(fc.nat()),
  workspace: fc.option(anyText),
  commands: fc.array(anyArgv, { maxLength: 2 }),
  jobs: fc.array(anyJob, { minLength: 1, maxLength: 3 }),
})
