import type { PlannedJob } from '../domain/plan.ts'

/**
 * What a job may write (DESIGN section 8): its `writes`, by default its deliverables; an agent without any may
 * write everything (null), the other executors nothing.
 */
export function writableGlobs(
  plan: Pick<PlannedJob, 'writes' | 'deliverables' | 'executor'>,
): readonly string[] | null {
  if (plan.writes !== null) return plan.writes
  if (plan.deliverables.length > 0) return plan.deliverables
  return plan.executor === 'agent' ? null : []
}
