import { conflictingLock, jobLocks, locksByName, type HeldLock } from '../domain/job-lock.ts'
import type { Job } from '../domain/job.ts'
import { findHeldLocks } from '../database/queries/claim-candidates.ts'
import { readWaits } from '../database/queries/explain-waits.ts'
import type { ReadinessCondition } from '../database/queries/readiness-conditions.ts'
import {
  findJob,
  listActiveWorkspaces,
  listJobProjects,
  listOpenDependencies,
  type JobProject,
  type OpenDependency,
} from '../database/repositories/job-repository.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { explainReason, type WaitReason } from './readiness.ts'
import { requiredLocks } from './required-locks.ts'
import { withName, type NamedJob } from './resolve-job.ts'

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
  scope: { readonly projectId?: string; readonly jobId?: string },
): Promise<Map<string, readonly WaitReason[]>> {
  const waiting = jobs.filter(({ job }) => job.state === 'blocked' || job.state === 'ready')
  if (waiting.length === 0) return new Map()
  const facts = await readFacts(deps)
  const waits = await readWaits(deps.database.db, scope, facts)
  const projects = await listJobProjects(deps.database.db)
  const hasEdges = await deps.tables.has('job_dependencies')
  const dependencies = hasEdges ? await listOpenDependencies(deps.database.db, scope) : new Map()
  const locks = await lockFinder(deps)
  const reasons = new Map<string, readonly WaitReason[]>()
  for (const named of waiting) {
    const conditions = waits.get(named.job.id)
    reasons.set(named.job.id, await reasonsOf(deps, named, { conditions, projects, dependencies, locks }))
  }
  return reasons
}

async function readFacts(deps: JobsDeps) {
  const workspaces = await listActiveWorkspaces(deps.database.db)
  return {
    now: await deps.database.now(),
    databaseTrusted: deps.databaseTrusted,
    unreachableProjects: workspaces.flatMap((one) => (deps.canReach(one.workspace) ? [] : [one.projectId])),
  }
}

interface Known {
  readonly conditions: readonly ReadinessCondition[] | undefined
  readonly projects: ReadonlyMap<string, JobProject>
  readonly dependencies: ReadonlyMap<string, readonly OpenDependency[]>
  readonly locks: (job: Job, workspace: string) => HeldLock | null
}

async function reasonsOf(deps: JobsDeps, named: NamedJob, known: Known): Promise<readonly WaitReason[]> {
  const nameFacts = { named, openDependencies: [], lock: null }
  if (known.conditions === undefined) return [explainReason('projectGone', nameFacts)]
  const openDependencies = known.dependencies.get(named.job.id) ?? []
  const reasons = known.conditions.map((name) => explainReason(name, { named, openDependencies, lock: null }))
  if (reasons.length > 0) return reasons
  const held = known.locks(named.job, named.project.workspace)
  if (held === null) return [explainReason('noScheduler', nameFacts)]
  const holder = await findJob(deps.database.db, held.jobId)
  const holderName = holder === undefined ? held.jobId : withName(holder, known.projects).name
  const name = held.name.replace(/^(name|path):/, '')
  return [explainReason('lockTaken', { ...nameFacts, lock: { name, holder: holderName } })]
}

async function lockFinder(deps: JobsDeps): Promise<Known['locks']> {
  const hasLockTable = await deps.tables.has('job_locks')
  const held = locksByName(await findHeldLocks(deps.database.db, { hasLockTable, locksFor: requiredLocks }))
  return (job, workspace) => {
    const { names, paths } = requiredLocks(job.plan, workspace)
    return conflictingLock(jobLocks(names, paths), held)
  }
}
