import { expect, it } from 'vitest'
import { builtInRoles } from '../../src/models/built-in-roles.ts'
import { approvalScope } from '../../src/planning/approval-scope.ts'
import { aCommandJob, aJob, aPlan } from '../support/plan-builder.ts'

it('lists workspace, budget, every argv once with its users, and the tools of agents’ roles', () => {
  const plan = aPlan({
    budgetMicroUsd: 9,
    commands: [['npm', 'test']],
    jobs: [
      aCommandJob({ key: 'build', run: ['npm', 'run', 'build'] }),
      aJob({
        key: 'code',
        role: 'engineer',
        executor: 'agent',
        acceptance: [{ id: 'ok', check: 'command', run: ['npm', 'test'], timeoutMs: 1 }],
      }),
      aJob({ key: 'text', role: 'writer', executor: 'llm' }),
    ],
  })
  expect(approvalScope(plan, '/w', builtInRoles)).toEqual({
    workspace: '/w',
    budgetMicroUsd: 9,
    commands: [
      { argv: ['npm', 'test'], usedBy: ['commands', 'code/ok'] },
      { argv: ['npm', 'run', 'build'], usedBy: ['build'] },
    ],
    roles: [{ id: 'engineer', tools: ['list', 'read', 'search', 'write', 'edit', 'run'] }],
  })
})
