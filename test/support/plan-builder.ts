import type { Plan, PlannedJob } from '../../src/domain/plan.ts'
import { plannedJob } from '../../src/planning/planned-job.ts'

/** A valid job that does next to nothing; override what the test is about. */
export function aJob(overrides: Partial<PlannedJob> = {}): PlannedJob {
  const small = { key: 'job', title: 'A job', description: 'Does a small thing.', executor: 'llm' } as const
  return plannedJob({ ...small, role: 'general_worker', ...overrides })
}

/** A command job that succeeds on any machine with Node. */
export function aCommandJob(overrides: Partial<PlannedJob> = {}): PlannedJob {
  return aJob({ executor: 'command', role: null, run: ['node', '-e', '0'], ...overrides })
}

/** A valid plan of one job; override what the test is about. */
export function aPlan(overrides: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    project: 'sample',
    goal: 'A sample project',
    budgetMicroUsd: null,
    workspace: null,
    commands: [],
    jobs: [aJob()],
    ...overrides,
  }
}
