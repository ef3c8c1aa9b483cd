/**
 * Decides whether a job is done, on evidence that orch gathers itself (promise 10). With acceptance stated: its
 * checks, and the deliverables exist. Without: deliverables exist and changed; else a terminated, non-empty
 * reply; else exit 0; otherwise it failed. Files a command changed outside `writes` fail every job.
 */
import type { Evidence, ProducedFile } from '../../domain/job.ts'
import type { Check, PlannedJob } from '../../domain/plan.ts'
import { matchesGlob } from '../../workspace/glob.ts'
import type { FileImage } from '../../workspace/snapshot.ts'
import { report, type AttemptScene } from '../attempt-scene.ts'
import type { FinishedWork } from '../executors/work-result.ts'
import type { Baseline } from './baseline.ts'
import { checkCommand } from './check-command.ts'
import { checkFile } from './check-file.ts'
import { checkSchema } from './check-schema.ts'

export interface Verdict {
  readonly evidence: readonly Evidence[]
  readonly passed: boolean
  /** Deliverables that are new or changed, and files that tools wrote. */
  readonly files: readonly ProducedFile[]
}

export interface Verification {
  readonly work: FinishedWork
  readonly baseline: Baseline
}

/** Gathers the evidence of an attempt whose work is finished. */
export async function verify(scene: AttemptScene, { work, baseline }: Verification): Promise<Verdict> {
  const { plan } = scene.attempt.job
  const now = await imagesOf(scene, work)
  const evidence: Evidence[] = []
  if (work.exit !== null) evidence.push(exitEvidence(work.exit))
  for (const check of plan.acceptance) {
    report(scene, { kind: 'check', name: check.id })
    evidence.push(await runCheck(scene, check, { work, baseline }))
    scene.attempt.signal.throwIfAborted()
  }
  const mustChange = plan.acceptance.length === 0
  for (const glob of plan.deliverables) evidence.push(deliverableEvidence(glob, { now, baseline, mustChange }))
  if (evidence.length === 0) evidence.push(replyEvidence(work))
  if (work.strayFiles.length > 0) evidence.push(strayEvidence(work.strayFiles))
  return {
    evidence,
    passed: evidence.every(({ passed }) => passed),
    files: producedFiles({ now, baseline, plan, written: work.writtenFiles }),
  }
}

function runCheck(scene: AttemptScene, check: Check, { work, baseline }: Verification): Promise<Evidence> {
  switch (check.check) {
    case 'file':
      return checkFile(scene.workspace, check, baseline)
    case 'schema':
      return checkSchema(scene.workspace, check, work.reply)
    case 'command':
      return checkCommand(scene, check)
  }
}

type Images = ReadonlyMap<string, FileImage>

async function imagesOf({ workspace, attempt }: AttemptScene, work: FinishedWork): Promise<Images> {
  const globs = [...attempt.job.plan.deliverables, ...work.writtenFiles.map(literal)]
  return globs.length === 0 ? new Map() : (await workspace.snapshot(globs)).files
}

/** A path as a glob that fits nothing else. */
function literal(path: string): string {
  return path.replaceAll(/[*?[\]{}!\\]/g, '?')
}

interface Deliverables {
  readonly now: Images
  readonly baseline: Baseline
  readonly mustChange: boolean
}

function deliverableEvidence(glob: string, { now, baseline, mustChange }: Deliverables): Evidence {
  const found = [...now.entries()].filter(([path]) => matchesGlob(glob, path))
  const changed = found.filter(([path, image]) => baseline[path]?.sha256 !== image.sha256)
  const evidence = { id: glob, check: 'deliverables' } as const
  if (found.length === 0) return { ...evidence, passed: false, found: `${glob}: there is no such file` }
  if (mustChange && changed.length === 0) {
    return { ...evidence, passed: false, found: `${glob}: ${countOf(found.length)}, unchanged since before the job` }
  }
  return { ...evidence, passed: true, found: `${glob}: ${countOf(found.length)}, ${changed.length} new or changed` }
}

function countOf(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}

function exitEvidence({ exitCode, signal, timedOut }: NonNullable<FinishedWork['exit']>): Evidence {
  const found = timedOut
    ? 'stopped at its time limit'
    : exitCode === null
      ? `ended by ${signal ?? 'a signal'}`
      : `exit code ${exitCode}`
  return { id: 'exit', check: 'exit', passed: exitCode === 0 && !timedOut, found }
}

function replyEvidence({ reply }: FinishedWork): Evidence {
  const bytes = Buffer.byteLength(reply?.trim() ?? '')
  const found = bytes === 0 ? 'the reply is empty' : `a terminated reply of ${bytes} bytes`
  return { id: 'reply', check: 'reply', passed: bytes > 0, found }
}

function strayEvidence(paths: readonly string[]): Evidence {
  const named = paths.slice(0, 5).join(', ')
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : ''
  return { id: 'writes', check: 'writes', passed: false, found: `changed outside the job's files: ${named}${more}` }
}

const mostFiles = 200

function producedFiles(input: {
  readonly now: Images
  readonly baseline: Baseline
  readonly plan: PlannedJob
  readonly written: readonly string[]
}): readonly ProducedFile[] {
  const written = new Set(input.written)
  return [...input.now.entries()]
    .filter(([path, image]) => written.has(path) || input.baseline[path]?.sha256 !== image.sha256)
    .slice(0, mostFiles)
    .map(([path, { sha256, bytes }]) => ({ path, sha256, bytes }))
}
