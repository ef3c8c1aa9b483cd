import type { Priority } from '../../domain/job-state.ts'
import type { Plan, PlannedJob } from '../../domain/plan.ts'
import { plannedJob } from '../../planning/planned-job.ts'
import type { Random } from '../../runtime/random.ts'

const priorities: readonly Priority[] = ['low', 'medium', 'high']

/** A project of jobs that touch nothing and wait for nothing; the seed decides their priorities. */
export function benchPlan(slug: string, jobs: number, random: Random): Plan {
  return {
    version: 1,
    project: slug,
    goal: 'Measure how fast this database hands out jobs',
    budgetMicroUsd: null,
    workspace: null,
    commands: [],
    jobs: Array.from({ length: jobs }, (_, index) => benchJob(index, random)),
  }
}

function benchJob(index: number, random: Random): PlannedJob {
  const key = `job-${String(index).padStart(6, '0')}`
  return plannedJob({
    key,
    title: key,
    description: 'Never executed: the bench measures what is around the work.',
    priority: priorities[Math.floor(random.next() * priorities.length)] ?? 'medium',
    executor: 'command',
    run: ['true'],
    repeatable: true,
    writes: [],
    maxTries: 1,
  })
}
