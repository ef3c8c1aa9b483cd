import type { PlannedJob } from '../domain/plan.ts'
import { defaultMaxTries, defaultRole } from './plan-schema.ts'

/** A job with everything unsaid at its default. */
export function plannedJob(
  job: Pick<PlannedJob, 'key' | 'title' | 'description' | 'executor'> & Partial<PlannedJob>,
): PlannedJob {
  return {
    role: job.executor === 'command' ? null : defaultRole,
    dependsOn: [],
    priority: 'medium',
    run: null,
    timeoutMs: null,
    repeatable: false,
    needs: [],
    writes: null,
    locks: [],
    tasks: [],
    acceptance: [],
    deliverables: [],
    estimate: null,
    maxTries: defaultMaxTries,
    model: null,
    ...job,
  }
}
