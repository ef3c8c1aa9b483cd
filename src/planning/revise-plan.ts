/** What a changed plan does to the jobs that are stored already: pure, so that it can be shown before it is done. */
import type { JobChange, NewJob, StoredJob } from '../database/repositories/plan-repository.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import { isDead, type JobState } from '../domain/job-state.ts'
import type { JobFailure } from '../domain/job.ts'
import { pathLengths, topologicalOrder } from '../domain/plan-graph.ts'
import type { Plan, PlannedJob } from '../domain/plan.ts'
import { inheritedPriorities } from './inherited-priorities.ts'

/** Marks a job that the current plan no longer has. */
export const superseded: JobFailure = {
  errorClass: 'superseded',
  message: 'a changed plan no longer has this job',
  evidence: [],
}

/** Whether the stored job is outside the current plan. */
export function isSuperseded(job: Pick<StoredJob, 'error'>): boolean {
  return job.error?.errorClass === superseded.errorClass
}

export interface Revision {
  readonly added: readonly NewJob[]
  /** Jobs whose row changes: by the plan itself, or because of what stands before them. */
  readonly changed: readonly JobChange[]
  /** Changed jobs that the plan no longer has. */
  readonly removedKeys: readonly string[]
  /** Finished or running jobs whose new description has no effect on what they did. */
  readonly keptAsTheyWere: readonly string[]
  /** Ids of changed jobs whose tasks are written anew. */
  readonly retasked: readonly string[]
}

interface Target {
  readonly id: string
  readonly plan: PlannedJob
  readonly stored: StoredJob | null
}

/**
 * Matches jobs by key. Completed, running, failed and cancelled jobs keep their state; whatever waits is
 * counted anew against the new dependencies; what the plan no longer has is cancelled, and a job that comes
 * back to the plan waits again. `newId` gives ids in the order of the plan.
 */
export function revisePlan(stored: readonly StoredJob[], plan: Plan, newId: () => string): Revision {
  const byKey = new Map(stored.map((job) => [job.plan.key, job]))
  const targets = plan.jobs.map((job): Target => {
    const known = byKey.get(job.key) ?? null
    return { id: known?.id ?? newId(), plan: job, stored: known }
  })
  const standings = settle(targets)
  const graph = { priorities: inheritedPriorities(plan), lengths: pathLengths(plan.jobs) }
  const rows = targets.map((target) => ({ target, row: toRow(target, standings.get(target.plan.key), graph) }))
  const wanted = new Set(plan.jobs.map(({ key }) => key))
  const removed = stored.filter((job) => !wanted.has(job.plan.key) && !isSuperseded(job))
  const projectId = stored[0]?.projectId ?? ''
  return {
    added: rows.flatMap(({ target, row }) => (target.stored === null ? [{ ...row, projectId }] : [])),
    changed: [
      ...rows.flatMap(({ target: { stored: before }, row }) => (before !== null && differs(before, row) ? [row] : [])),
      ...removed.map(removal),
    ],
    removedKeys: removed.map((job) => job.plan.key),
    keptAsTheyWere: targets.flatMap((target) => (isKept(target) && isRewritten(target) ? [target.plan.key] : [])),
    retasked: targets.flatMap((target) => (isRetasked(target) ? [target.id] : [])),
  }
}

interface Standing {
  readonly state: JobState
  readonly blockedBy: number
  readonly skippedBecause: string | null
}

const free: Standing = { state: 'ready', blockedBy: 0, skippedBecause: null }

/** States from the dependencies up: who keeps theirs, who waits for how many, who is behind a dead job. */
function settle(targets: readonly Target[]): ReadonlyMap<string, Standing> {
  const byKey = new Map(targets.map((target) => [target.plan.key, target]))
  const standings = new Map<string, Standing>()
  for (const key of topologicalOrder(targets.map(({ plan }) => plan))) {
    const target = byKey.get(key)
    if (target === undefined) continue
    const before = target.stored
    const open = target.plan.dependsOn.filter((dependency) => standings.get(dependency)?.state !== 'completed')
    const blockedBy = open.length
    if (before !== null && isKept(target)) {
      standings.set(key, { state: before.state, blockedBy, skippedBecause: null })
      continue
    }
    const dead = open.find((dependency) => isDead(standings.get(dependency)?.state ?? 'ready'))
    const skippedBecause = dead === undefined ? null : causeOf(dead, byKey, standings)
    const state = skippedBecause !== null ? 'skipped' : blockedBy > 0 ? 'blocked' : 'ready'
    standings.set(key, { state, blockedBy, skippedBecause })
  }
  return standings
}

function causeOf(
  key: string,
  byKey: ReadonlyMap<string, Target>,
  standings: ReadonlyMap<string, Standing>,
): string | null {
  return standings.get(key)?.skippedBecause ?? byKey.get(key)?.id ?? null
}

/** Running and ended jobs keep their state, unless they come back from outside the plan. */
function isKept({ stored }: Target): boolean {
  if (stored === null) return false
  if (isSuperseded(stored)) return stored.state === 'completed'
  return !['blocked', 'ready', 'skipped'].includes(stored.state)
}

function isRewritten({ stored, plan }: Target): boolean {
  return stored !== null && canonicalJson(stored.plan) !== canonicalJson(plan)
}

function isRetasked(target: Target): boolean {
  const { stored, plan } = target
  return stored !== null && !isKept(target) && canonicalJson(stored.plan.tasks) !== canonicalJson(plan.tasks)
}

interface Graph {
  readonly priorities: ReadonlyMap<string, number>
  readonly lengths: ReadonlyMap<string, number>
}

function toRow({ id, plan, stored }: Target, standing: Standing = free, { priorities, lengths }: Graph): JobChange {
  return {
    id,
    plan,
    ...standing,
    effectivePriority: priorities.get(plan.key) ?? 0,
    pathLength: lengths.get(plan.key) ?? 1,
    error: stored === null || isSuperseded(stored) ? null : stored.error,
    moreTries: stored === null ? 0 : plan.maxTries - stored.plan.maxTries,
    moved: stored !== null && stored.state !== standing.state,
  }
}

/** What has not completed is cancelled: a failed or skipped job takes the way of `jobs retry` and cancel in one step. */
function removal(job: StoredJob): JobChange {
  const state = job.state === 'completed' ? 'completed' : 'cancelled'
  return { ...job, state, skippedBecause: null, error: superseded, moreTries: 0, moved: job.state !== state }
}

function differs(before: StoredJob, after: JobChange): boolean {
  const { state, blockedBy, effectivePriority, pathLength, skippedBecause, error } = after
  return (
    canonicalJson([before.plan, before.error]) !== canonicalJson([after.plan, error]) ||
    before.state !== state ||
    before.blockedBy !== blockedBy ||
    before.effectivePriority !== effectivePriority ||
    before.pathLength !== pathLength ||
    before.skippedBecause !== skippedBecause
  )
}
