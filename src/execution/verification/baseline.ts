import type { PlannedJob } from '../../domain/plan.ts'
import type { FileImage } from '../../workspace/snapshot.ts'
import type { AttemptScene } from '../attempt-scene.ts'
import type { Step } from '../journal.ts'

/** The files a job is expected to produce, as they were before its first try: `changed` is judged against this. */
export type Baseline = Readonly<Record<string, FileImage>>

/** Globs of everything whose change counts as evidence. */
function watchedGlobs(plan: PlannedJob): readonly string[] {
  const checked = plan.acceptance.flatMap((check) => (check.check === 'file' ? [check.path] : []))
  return [...new Set([...plan.deliverables, ...checked])]
}

/** Takes the baseline before the first effect of a job, or reads the one that an earlier attempt took. */
export async function readBaseline(scene: AttemptScene): Promise<Step<Baseline>> {
  const globs = watchedGlobs(scene.attempt.job.plan)
  if (globs.length === 0) return { kind: 'done', output: {}, replayed: false }
  return scene.journal.keepFirst('baseline', { globs }, async () => {
    const { files } = await scene.workspace.snapshot(globs)
    return Object.fromEntries(files)
  })
}
