import { describe, expect, it } from 'vitest'
import type { Check, PlannedJob } from '../../src/domain/plan.ts'
import { validatePlan } from '../../src/planning/validate-plan.ts'
import { aCommandJob, aJob, aPlan } from '../support/plan-builder.ts'

const roles = new Set(['engineer', 'general_worker', 'writer'])
const file: Check = { id: 'made', check: 'file', path: 'out.md', contains: null, changed: true }

function faultsOf(...jobs: PlannedJob[]) {
  return validatePlan(aPlan({ jobs }), { roles }).map(({ code, path, message }) => ({ code, path, message }))
}

describe('validatePlan', () => {
  it('finds nothing wrong with a good plan', () => {
    expect(
      faultsOf(
        aCommandJob({ key: 'setup', deliverables: ['data/'] }),
        aJob({ key: 'write', dependsOn: ['setup'], deliverables: ['out.md'], acceptance: [file] }),
        aJob({ key: 'build', executor: 'agent', dependsOn: ['write'], deliverables: ['src/**', 'a', './b'] }),
      ),
    ).toEqual([])
  })

  it.each<[string, PlannedJob[], string, string, string]>([
    ['a repeated key', [aJob(), aJob()], 'duplicate_key', 'jobs[1].key', 'jobs[0]'],
    ['an unknown role', [aJob({ role: 'enginer' })], 'unknown_role', 'jobs[0].role', 'did you mean engineer?'],
    [
      'an unknown dependency',
      [aJob({ key: 'setup' }), aJob({ key: 'b', dependsOn: ['setpu'] })],
      'unknown_dependency',
      'jobs[1].depends_on[0]',
      'did you mean setup?',
    ],
    ['a self edge', [aJob({ dependsOn: ['job'] })], 'self_dependency', 'jobs[0].depends_on[0]', 'job'],
    [
      'a repeated edge',
      [aJob({ key: 'a' }), aJob({ key: 'b', dependsOn: ['a', 'a'] })],
      'duplicate_dependency',
      'jobs[1].depends_on[1]',
      'a',
    ],
    [
      'a cycle',
      [
        aJob({ key: 'a', dependsOn: ['b'] }),
        aJob({ key: 'b', dependsOn: ['c'] }),
        aJob({ key: 'c', dependsOn: ['a'] }),
      ],
      'cycle',
      'jobs[0].depends_on',
      'a -> b -> c -> a',
    ],
    ['a command job without a command', [aCommandJob({ run: null })], 'missing_command', 'jobs[0].run', 'run'],
    ['a command on an agent', [aJob({ executor: 'agent', run: ['ls'] })], 'misplaced_command', 'jobs[0].run', 'agent'],
    ['a deliverable outside', [aCommandJob({ deliverables: ['../x'] })], 'bad_path', 'jobs[0].deliverables[0]', '../x'],
    ['an absolute write', [aCommandJob({ writes: ['/etc/**'] })], 'bad_path', 'jobs[0].writes[0]', 'relative'],
    ['a write into .git', [aCommandJob({ writes: ['./.git/hooks'] })], 'bad_path', 'jobs[0].writes[0]', 'protected'],
    [
      'a check outside',
      [aCommandJob({ acceptance: [{ ...file, path: 'a/../../x' }] })],
      'bad_path',
      'jobs[0].acceptance[0].path',
      'inside',
    ],
    [
      'a repeated check',
      [aCommandJob({ acceptance: [file, file] })],
      'duplicate_check',
      'jobs[0].acceptance[1].id',
      'made',
    ],
    [
      'two files for one reply',
      [aJob({ deliverables: ['a', 'b'] })],
      'bad_deliverable',
      'jobs[0].deliverables',
      'at most one',
    ],
    [
      'a glob for one reply',
      [aJob({ deliverables: ['docs/*.md'] })],
      'bad_deliverable',
      'jobs[0].deliverables[0]',
      'one file',
    ],
    [
      'a check an llm job cannot meet',
      [aJob({ acceptance: [file] })],
      'bad_check',
      'jobs[0].acceptance[0].path',
      'out.md',
    ],
    [
      'a reply check on a command',
      [aCommandJob({ acceptance: [{ id: 's', check: 'schema', path: null, schema: {} }] })],
      'bad_check',
      'jobs[0].acceptance[0]',
      'no reply',
    ],
  ])('names %s by code and path', (_name, jobs, code, path, message) => {
    expect(faultsOf(...jobs)).toEqual([{ code, path, message: expect.stringContaining(message) }])
  })

  it('keeps to the number of jobs that was asked for', () => {
    const plan = aPlan({ jobs: [aJob({ key: 'a' }), aJob({ key: 'b' })] })
    expect(validatePlan(plan, { roles, maxJobs: 1 })).toMatchObject([{ code: 'too_many_jobs', path: 'jobs' }])
  })
})
