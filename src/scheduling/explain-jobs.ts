import { findJob } from '../database/repositories/job-repository.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { explainReason, type ReasonFacts, type WaitReason } from './readiness.ts'
import type { NamedJob } from './resolve-job.ts'
import { readWaitsScene, type WaitsScene, type WaitsScope } from './waits-scene.ts'

/** What `jobs why` answers. */
export interface Explanation {
  readonly named: NamedJob
  /** One line about the state, whatever it is. */
  readonly headline: string
  /** What stands in the way of a blocked or ready job, most decisive first. */
  readonly reasons: readonly WaitReason[]
}

/** Why a job is in the state it is in, and what would change that. */
export async function explainJob(deps: JobsDeps, named: NamedJob): Promise<Explanation> {
  const reasons = await explainWaits(deps, [named], { jobId: named.job.id })
  const cause =
    named.job.skippedBecause === null ? undefined : await findJob(deps.database.db, named.job.skippedBecause)
  return { named, headline: headline(named, cause?.key), reasons: reasons.get(named.job.id) ?? [] }
}

function headline({ job, name }: NamedJob, cause: string | undefined): string {
  switch (job.state) {
    case 'completed':
      return `${name} completed${job.rehearsed ? ' as a rehearsal, with a simulated model' : ''}`
    case 'failed':
      return `${name} failed: ${job.error?.message ?? 'no reason was recorded'}`
    case 'cancelled':
      return `${name} was cancelled`
    case 'skipped':
      return `${name} was skipped because ${cause ?? job.skippedBecause ?? 'something before it'} did not complete`
    case 'running':
      return `${name} is running: attempt ${job.attempt}, try ${job.try} of ${job.maxTries}`
    case 'blocked':
      return `${name} is blocked`
    case 'ready':
      return `${name} is ready`
  }
}

/** Reasons for every blocked and ready job among those given; by job id. */
export async function explainWaits(
  deps: JobsDeps,
  jobs: readonly NamedJob[],
  scope: WaitsScope,
): Promise<Map<string, readonly WaitReason[]>> {
  const waiting = jobs.filter(({ job }) => job.state === 'blocked' || job.state === 'ready')
  if (waiting.length === 0) return new Map()
  const scene = await readWaitsScene(deps, scope)
  return new Map(waiting.map((named) => [named.job.id, reasonsOf(named, scene)]))
}

/** What stands in the way of one job; where nothing does, what it waits for all the same. */
export function reasonsOf(named: NamedJob, scene: WaitsScene): readonly WaitReason[] {
  const { job, project } = named
  const conditions = scene.conditions(job, project.workspace)
  const facts = reasonFacts(named, scene)
  if (conditions === undefined) return [explainReason('projectGone', facts)]
  if (conditions.length > 0) return conditions.map((name) => explainReason(name, facts))
  return [explainReason(scene.liveSchedulers > 0 ? 'queued' : 'noScheduler', facts)]
}

/** What the reasons of one job are told from. */
export function reasonFacts(named: NamedJob, scene: WaitsScene): ReasonFacts {
  const { job, project } = named
  return {
    named,
    openDependencies: scene.openDependencies(job),
    lock: scene.lock(job, project.workspace),
    limits: scene.limits(job),
    cooldown: scene.cooldown(job),
    schedulers: scene.liveSchedulers,
  }
}
