import { join } from 'node:path'
import type { PlannedJob } from '../domain/plan.ts'
import type { LockRequest } from '../database/queries/held-locks.ts'
import { literalPrefix } from '../workspace/glob.ts'

/**
 * What a job must hold while it runs (DESIGN section 8): its named resources, and the literal directory of
 * every glob it may write. Default: its deliverables; an agent without any may write everything.
 */
export function requiredLocks(plan: PlannedJob, workspace: string): LockRequest {
  const paths = new Set(writableGlobs(plan).map((glob) => join(workspace, literalPrefix(glob))))
  return { names: plan.locks, paths: [...paths].map(withoutTrailingSlash) }
}

function writableGlobs(plan: PlannedJob): readonly string[] {
  const declared = plan.writes ?? plan.deliverables
  if (declared.length > 0 || plan.writes !== null) return declared
  return plan.executor === 'agent' ? ['**'] : []
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
