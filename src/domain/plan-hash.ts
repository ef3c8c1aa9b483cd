import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import type { Plan, PlannedJob } from './plan.ts'

/**
 * What an approval is bound to: SHA-256 (hex) over the canonical JSON of every field but `estimate`.
 * The order of jobs and of a job's dependencies carries no meaning and does not count; any other changed
 * character gives another hash.
 */
export function planHash(plan: Plan): string {
  const jobs = plan.jobs.map(hashedFields).sort((left, right) => (left.key < right.key ? -1 : 1))
  return createHash('sha256')
    .update(canonicalJson({ ...plan, jobs }))
    .digest('hex')
}

function hashedFields({ estimate: _estimate, ...job }: PlannedJob) {
  return { ...job, dependsOn: [...job.dependsOn].sort() }
}
