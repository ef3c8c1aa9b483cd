/**
 * Where a job belongs that was given back or failed a try: `apply` may have put another job before it while it
 * ran. Such a job waits for that one, or is skipped if that one is dead already.
 */
import type { Trx } from '../dialect/dialect.ts'
import { isDead } from '../../domain/job-state.ts'
import { skipDependants, type ChangedDependant } from './dependants.ts'

export interface Skipped extends ChangedDependant {
  /** The dead job that it stands behind. */
  readonly cause: string
}

/** Takes jobs that just became ready; makes those with unfinished dependencies blocked, and returns what became skipped. */
export async function waitAgain(trx: Trx, jobIds: readonly string[], now: number): Promise<readonly Skipped[]> {
  if (jobIds.length === 0) return []
  const edges = await trx
    .selectFrom('job_dependencies')
    .innerJoin('jobs as parents', 'parents.id', 'job_dependencies.depends_on_id')
    .select(['job_dependencies.job_id', 'parents.id', 'parents.state', 'parents.skipped_because'])
    .where('job_dependencies.job_id', 'in', jobIds)
    .where('parents.state', '<>', 'completed')
    .orderBy('parents.id')
    .execute()
  const open = new Map<string, number>()
  for (const edge of edges) open.set(edge.job_id, (open.get(edge.job_id) ?? 0) + 1)
  for (const [jobId, blockedBy] of open) {
    await trx
      .updateTable('jobs')
      .set({ state: 'blocked', blocked_by: blockedBy, ready_at: null, updated_at: now })
      .where('id', '=', jobId)
      .where('state', '=', 'ready')
      .execute()
  }
  const skipped: Skipped[] = []
  for (const parent of edges.filter(({ state }) => isDead(state))) {
    const cause = parent.skipped_because ?? parent.id
    skipped.push(...(await skipDependants(trx, parent.id, { now, cause })).map((job) => ({ ...job, cause })))
  }
  return skipped
}
