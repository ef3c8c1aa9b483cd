import { priorities } from '../domain/job-state.ts'
import { effectivePriorities } from '../domain/plan-graph.ts'
import type { Plan } from '../domain/plan.ts'

/** Per key: the highest priority of the job and everything behind it, as a number. */
export function inheritedPriorities(plan: Pick<Plan, 'jobs'>): ReadonlyMap<string, number> {
  return effectivePriorities(plan.jobs.map((job) => ({ ...job, priority: priorities[job.priority] })))
}
