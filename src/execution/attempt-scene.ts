import type { Workspace } from '../workspace/workspace.ts'
import type { Attempt } from './attempt.ts'
import type { CommandWatch } from './command-watch.ts'
import type { ExecutionDeps, Progress } from './execution-deps.ts'
import type { Journal } from './journal.ts'

/** Everything around one attempt that its executor works with. */
export interface AttemptScene {
  readonly deps: ExecutionDeps
  readonly attempt: Attempt
  readonly journal: Journal
  readonly workspace: Workspace
  readonly commands: CommandWatch
}

/** Tells whoever watches what the attempt does now. */
export function report(scene: AttemptScene, progress: Pick<Progress, 'kind' | 'name'> & Partial<Progress>): void {
  const { deps, attempt } = scene
  deps.onProgress?.({ jobId: attempt.job.id, attempt: attempt.number, model: null, ...progress })
}
