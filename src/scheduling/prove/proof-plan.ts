import type { Plan, PlannedJob } from '../../domain/plan.ts'
import { plannedJob } from '../../planning/planned-job.ts'

/** How far back the dependencies of a job lie: wide enough to keep every runner busy, and still a DAG. */
const stride = 40

/** One project of model jobs, each behind two jobs of the layer before. */
export function proofPlan(slug: string, jobs: number): Plan {
  return {
    version: 1,
    project: slug,
    goal: 'Prove that nothing is lost and nothing is paid twice',
    budgetMicroUsd: null,
    workspace: null,
    commands: [],
    jobs: Array.from({ length: jobs }, (_, index) => proofJob(index)),
  }
}

function proofJob(index: number): PlannedJob {
  const key = keyOf(index)
  const dependsOn = [index - stride, index - stride - 1].filter((at) => at >= 0).map(keyOf)
  return plannedJob({ key, title: key, description: `Marker <${key}>.`, executor: 'llm', dependsOn })
}

function keyOf(index: number): string {
  return `job-${String(index).padStart(4, '0')}`
}

/** Which job a prompt belongs to. */
export function jobInPrompt(prompt: string): string {
  return /Marker <(job-\d+)>/.exec(prompt)?.[1] ?? 'unknown'
}
