/**
 * `jobs run --dry-run`: in which order a run would start its jobs, and why each then and not earlier. Reads the
 * database once and simulates the rest, with usual durations and as if every job succeeded: nothing is written, no
 * model is asked.
 */
import type { ReadinessCondition } from '../database/queries/readiness-conditions.ts'
import { listJobProjects, listJobs } from '../database/repositories/job-repository.ts'
import type { TableName } from '../database/tables.ts'
import type { Job } from '../domain/job.ts'
import { isDead, priorities } from '../domain/job-state.ts'
import { simulateSchedule, type ScheduledJob, type StartChoice } from '../domain/schedule.ts'
import { usualDurationMs } from '../planning/estimate-plan.ts'
import { reasonFacts, reasonsOf } from './explain-jobs.ts'
import { ForecastGate, type ForecastJob, type GateFinding } from './forecast-gate.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { requireProject } from './list-jobs.ts'
import { explainReason, type WaitReason } from './readiness.ts'
import { withName, type NamedJob } from './resolve-job.ts'
import { readWaitsScene, type WaitsScene } from './waits-scene.ts'

export interface ForecastOptions {
  readonly projectSlug: string | null
  /** Jobs that the run would have going at once. */
  readonly concurrency: number
}

export interface ForecastStart extends NamedJob {
  readonly afterMs: number
  /** Why this job and no other: `priority high`, `longest remaining path 4`. */
  readonly reason: StartReason
  /** What it waits for until then; empty where it starts at once. */
  readonly waits: readonly WaitReason[]
}

export const startReasonNames = ['priority', 'path', 'age', 'order', 'only'] as const

export interface StartReason {
  readonly name: (typeof startReasonNames)[number]
  readonly text: string
}

export interface Forecast {
  /** The database's time at which it begins. */
  readonly now: number
  readonly starts: readonly ForecastStart[]
  /** Jobs that would not start, with what keeps them. */
  readonly stuck: readonly (NamedJob & { readonly waits: readonly WaitReason[] })[]
  /** What runs already, wherever. */
  readonly running: readonly NamedJob[]
  /** From the beginning to the end of the last job. */
  readonly makespanMs: number
  /** Tables without which nothing runs. */
  readonly missing: readonly TableName[]
}

/** What neither time nor the end of another job ends. */
const lasting: ReadonlySet<ReadinessCondition> = new Set<ReadinessCondition>([
  'untrusted',
  'projectCancelled',
  'projectPaused',
  'notApproved',
  'quarantined',
  'held',
  'workspaceUnreachable',
  'overBudget',
])

/** Simulates a run. Throws ORCH_NOT_FOUND for a project that is not there. */
export async function forecastRun(deps: JobsDeps, options: ForecastOptions): Promise<Forecast> {
  const missing = await deps.tables.missing(['projects', 'jobs', 'job_dependencies', 'attempts'])
  const now = await deps.database.now()
  if (missing.length > 0) return { now, starts: [], stuck: [], running: [], makespanMs: 0, missing }
  const { db } = deps.database
  const projects = await listJobProjects(db)
  const projectId = options.projectSlug === null ? undefined : requireProject(projects, options.projectSlug).id
  const open = await listJobs(db, { projectId, states: ['blocked', 'ready', 'running'] })
  const named = open.map((job) => withName(job, projects))
  const scene = await readWaitsScene(deps, { projectId })
  const jobs = named.map((one) => toForecastJob(one, scene))
  // What runs elsewhere is not started here, but its end frees what it holds.
  const others = await strangers(deps, named, scene)
  const gate = new ForecastGate([...jobs, ...others], scene)
  const scheduled = [...jobs, ...others].map((one) => toScheduled(one, scene, now))
  const schedule = simulateSchedule(scheduled, options.concurrency, gate)
  const byId = new Map(named.map((one) => [one.job.id, one]))
  const nameOf = (id: string) => byId.get(id)?.name ?? id
  const starts = schedule.order.flatMap((id): ForecastStart[] => {
    const one = byId.get(id)
    if (one === undefined) return []
    const afterMs = schedule.starts.get(id) ?? 0
    const waits = afterMs === 0 ? [] : waitsOf(one, { scene, finding: gate.findings.get(id), nameOf, options })
    return [{ ...one, afterMs, reason: startReason(one.job, schedule.choices.get(id)), waits }]
  })
  const waiting = named.filter(({ job }) => job.state !== 'running')
  return {
    now,
    starts,
    stuck: waiting
      .filter(({ job }) => !schedule.starts.has(job.id))
      .map((one) => ({
        ...one,
        waits: waitsOf(one, { scene, finding: gate.findings.get(one.job.id), nameOf, options }),
      })),
    running: named.filter(({ job }) => job.state === 'running'),
    makespanMs: schedule.makespanMs,
    missing,
  }
}

async function strangers(deps: JobsDeps, known: readonly NamedJob[], scene: WaitsScene): Promise<ForecastJob[]> {
  const ids = new Set(known.map(({ job }) => job.id))
  if (scene.running.every(({ id }) => ids.has(id))) return []
  const projects = await listJobProjects(deps.database.db)
  const running = await listJobs(deps.database.db, { states: ['running'] })
  return running
    .filter((job) => !ids.has(job.id))
    .map((job) => ({ job, workspace: projects.get(job.projectId)?.workspace ?? '', never: false }))
}

function toForecastJob({ job, project }: NamedJob, scene: WaitsScene): ForecastJob {
  const { workspace } = project
  const conditions = job.state === 'running' ? [] : scene.conditions(job, workspace)
  const never = conditions === undefined || conditions.some((name) => lasting.has(name)) || isStranded(job, scene)
  return { job, workspace, never }
}

/** Blocked by a job that is dead, or by one that nothing is recorded of. */
function isStranded(job: Job, scene: WaitsScene): boolean {
  if (job.state !== 'blocked') return false
  const open = scene.openDependencies(job)
  return open.length === 0 || open.some(({ state }) => isDead(state))
}

function toScheduled({ job }: ForecastJob, scene: WaitsScene, now: number): ScheduledJob {
  const usualMs = usualDurationMs(job.plan)
  const place = {
    key: job.id,
    priority: job.priority,
    effectivePriority: job.effectivePriority,
    pathLength: job.pathLength,
  }
  if (job.state === 'running') {
    const restMs = Math.max(1000, usualMs - (now - job.updatedAt))
    return { ...place, dependsOn: [], durationMs: restMs, underWay: true }
  }
  const cooledMs = scene.cooldown(job)?.untilMs ?? 0
  return {
    ...place,
    dependsOn: scene.openDependencies(job).map(({ id }) => id),
    durationMs: usualMs,
    notBeforeMs: Math.max(0, job.runAt - now, cooledMs - now),
    ...(job.state === 'ready' ? { readyAtMs: (job.readyAt ?? job.runAt) - now } : {}),
  }
}

interface WaitScene {
  readonly scene: WaitsScene
  readonly finding: GateFinding | undefined
  readonly nameOf: (id: string) => string
  readonly options: ForecastOptions
}

/** What holds the job back now; where nothing does, what it would meet when its turn came. */
function waitsOf(named: NamedJob, { scene, finding, nameOf, options }: WaitScene): readonly WaitReason[] {
  const reasons = reasonsOf(named, scene).filter(({ name }) => name !== 'queued' && name !== 'noScheduler')
  if (reasons.length > 0) return reasons
  const facts = reasonFacts(named, scene)
  if (finding?.kind === 'lock') {
    const name = finding.lock.name.replace(/^(name|path):/, '')
    return [explainReason('lockTaken', { ...facts, lock: { name, holder: nameOf(finding.lock.jobId) } })]
  }
  if (finding?.kind === 'limit') return [explainReason(limitConditions[finding.key.kind], facts)]
  const places = options.concurrency === 1 ? 'the one place' : `all ${options.concurrency} places`
  return [
    {
      name: 'places',
      short: `${places} taken`,
      text: `Other jobs take ${places} of this run first`,
      unblock: 'it starts when one is free; --concurrency changes their number',
      untilMs: null,
    },
  ]
}

const limitConditions = {
  jobs: 'jobLimit',
  role: 'roleLimit',
  provider: 'providerLimit',
  model: 'modelLimit',
} as const satisfies Record<string, ReadinessCondition>

/** Promise 4 in words: by what the job was ahead of the next one. */
function startReason(job: Job, choice: StartChoice | undefined): StartReason {
  if (choice === undefined || choice.runnerUp === null) return { name: 'only', text: 'nothing else may start' }
  const { chosen, runnerUp } = choice
  if (chosen.effectivePriority !== runnerUp.effectivePriority) {
    const [name] = Object.entries(priorities).find(([, value]) => value === chosen.effectivePriority) ?? ['']
    const inherited = chosen.effectivePriority > job.priority ? ', inherited' : ''
    return { name: 'priority', text: `priority ${name}${inherited}` }
  }
  if (chosen.pathLength !== runnerUp.pathLength) {
    return { name: 'path', text: `longest remaining path ${chosen.pathLength}` }
  }
  if (chosen.readyAt !== runnerUp.readyAt) return { name: 'age', text: 'ready longest' }
  return { name: 'order', text: 'in the order of the plan' }
}
