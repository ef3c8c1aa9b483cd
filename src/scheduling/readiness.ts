/** Why a job is not running: one named reason each, with what it means and what would change it. */
import type { ReadinessCondition } from '../database/queries/readiness-conditions.ts'
import type { OpenDependency } from '../database/repositories/job-repository.ts'
import type { Cooldown } from '../database/queries/shared-load.ts'
import type { LimitKind } from '../domain/job-limits.ts'
import type { Job } from '../domain/job.ts'
import type { NamedJob } from './resolve-job.ts'

/** Names of the readiness conditions, and of what is said of a job that none of them holds back. */
export type WaitReasonName = ReadinessCondition | 'queued' | 'noScheduler' | 'projectGone'

export interface WaitReason {
  /** `places` is said by a forecast only: the run's own places are taken. */
  readonly name: WaitReasonName | 'places'
  /** A few words for a list. */
  readonly short: string
  /** One sentence. */
  readonly text: string
  /** What would unblock it: a command, or what has to happen. */
  readonly unblock: string
  /** When it ends by itself, epoch milliseconds. */
  readonly untilMs: number | null
}

export interface ReasonFacts {
  readonly named: NamedJob
  /** Dependencies that have not completed. */
  readonly openDependencies: readonly OpenDependency[]
  /** Who holds the lock that is wanted, and its name. */
  readonly lock: { readonly name: string; readonly holder: string } | null
  /** The limits that the job counts against, by kind. */
  readonly limits: Readonly<Partial<Record<LimitKind, LimitUse>>>
  /** The longest cooldown of what it is sure to call. */
  readonly cooldown: Cooldown | null
  /** Schedulers that are alive. */
  readonly schedulers: number
}

/** A limit and what is in use of it. */
export interface LimitUse {
  /** The role, provider or model; empty for all jobs. */
  readonly name: string
  readonly limit: number
  readonly used: number
  /** Names of the running jobs that count against it. */
  readonly holders: readonly string[]
}

type Explain = (facts: ReasonFacts) => Omit<WaitReason, 'name'>

const explanations: Readonly<Record<WaitReasonName, Explain>> = {
  untrusted: () => ({
    short: 'database not trusted',
    text: 'This database was not created by you on this machine, so its approvals do not count',
    unblock: 'orch db trust',
    untilMs: null,
  }),
  projectCancelled: ({ named }) => ({
    short: 'project cancelled',
    text: `The project ${named.project.slug} is cancelled`,
    unblock: 'nothing: a cancelled project stays cancelled',
    untilMs: null,
  }),
  projectPaused: ({ named }) => ({
    short: 'project paused',
    text: `The project ${named.project.slug} is paused`,
    unblock: `orch project resume ${named.project.slug}`,
    untilMs: null,
  }),
  notApproved: ({ named }) => ({
    short: 'not approved',
    text: `The plan of ${named.project.slug} is not approved, or changed since it was`,
    unblock: `orch project approve ${named.project.slug}`,
    untilMs: null,
  }),
  quarantined: ({ named }) => ({
    short: 'quarantined',
    text: `It was interrupted ${named.job.interruptions} times in a row without getting any further`,
    unblock: `orch jobs release ${named.name}`,
    untilMs: null,
  }),
  held: ({ named }) => ({
    short: 'held',
    text: `Somebody holds it${named.job.holdReason === null ? '' : `: ${named.job.holdReason}`}`,
    unblock: `orch jobs release ${named.name}`,
    untilMs: null,
  }),
  dependencies: ({ openDependencies }) => ({
    short: `after ${listed(openDependencies.map(({ key }) => key))}`,
    text: `It waits for ${listed(openDependencies.map(({ key, state }) => `${key} (${state})`))}`,
    unblock: 'it becomes ready when they complete',
    untilMs: null,
  }),
  waiting: ({ named: { job } }) => ({
    short: `waits for ${job.waitsFor ?? ''}`,
    text: `It gave its place back and waits for ${waitText(job)}`,
    unblock: waitRemedy(job),
    untilMs: job.runAt,
  }),
  backoff: ({ named: { job } }) => ({
    short: 'backing off',
    text: `Try ${job.try} of ${job.maxTries} waits a while after ${job.error?.message ?? 'a failure'}`,
    unblock: 'it goes on by itself',
    untilMs: job.runAt,
  }),
  workspaceUnreachable: ({ named }) => ({
    short: 'workspace unreachable',
    text: `The workspace ${named.project.workspace} cannot be reached from this host`,
    unblock: 'run the scheduler where the workspace is, or mount it here',
    untilMs: null,
  }),
  overBudget: ({ named }) => ({
    short: 'budget spent',
    text: `The budget of ${named.project.slug} is spent`,
    unblock: `raise budget_usd: orch project export ${named.project.slug}, then orch project apply <file>`,
    untilMs: null,
  }),
  providerCooling: ({ cooldown }) => ({
    short: `${targetOf(cooldown)} cools down`,
    text: `${targetOf(cooldown)} cools down${because(cooldown)}`,
    unblock: 'it goes on by itself',
    untilMs: cooldown?.untilMs ?? null,
  }),
  jobLimit: ({ limits }) => ({
    short: `limit of ${limits.jobs?.limit ?? 0} jobs`,
    text: `${used(limits.jobs)} run over all schedulers, as many as may`,
    unblock: 'it can start when one of them ends; orch config set limits.jobs <number> changes the limit',
    untilMs: null,
  }),
  roleLimit: ({ named, limits }) => ({
    short: `limit of role ${named.job.role ?? ''}`,
    text: `${used(limits.role)} of the role ${named.job.role ?? ''} run, as many as may`,
    unblock: `it can start when one of them ends; orch config set limits.roles ${named.job.role ?? ''}=<number> changes the limit`,
    untilMs: null,
  }),
  providerLimit: ({ limits: { provider } }) => ({
    short: `limit of ${provider?.name ?? 'its provider'}`,
    text: `${used(provider)} use ${provider?.name ?? 'its provider'}, as many as may`,
    unblock: `it can start when one of them ends; orch providers edit ${provider?.name ?? ''} --max-concurrency <number> changes the limit`,
    untilMs: null,
  }),
  modelLimit: ({ limits: { model } }) => ({
    short: `limit of ${model?.name ?? 'its model'}`,
    text: `${used(model)} use ${model?.name ?? 'its model'}, as many as may`,
    unblock: `it can start when one of them ends; orch config set limits.models ${model?.name ?? ''}=<number> changes the limit`,
    untilMs: null,
  }),
  lockTaken: ({ lock }) => ({
    short: `lock held by ${lock?.holder ?? 'another job'}`,
    text: `${lock?.holder ?? 'Another job'} holds ${lock?.name ?? 'what it needs'}`,
    unblock: 'it can start when that job ends',
    untilMs: null,
  }),
  projectGone: ({ named }) => ({
    short: 'project missing',
    text: `The row of its project ${named.job.projectId} is missing`,
    unblock: 'orch db check',
    untilMs: null,
  }),
  queued: ({ schedulers }) => ({
    short: 'ready',
    text: `It is ready and nothing stands in its way: ${schedulers === 1 ? 'a scheduler runs and takes' : `${schedulers} schedulers run and take`} it in its turn`,
    unblock: 'orch jobs run --dry-run shows the order',
    untilMs: null,
  }),
  noScheduler: () => ({
    short: 'ready',
    text: 'It is ready and nothing stands in its way',
    unblock: 'orch jobs run',
    untilMs: null,
  }),
}

/** The reason in words. */
export function explainReason(name: WaitReasonName, facts: ReasonFacts): WaitReason {
  return { name, ...explanations[name](facts) }
}

/** `2 of 2 jobs (a/b, a/c)`. */
function used(use: LimitUse | undefined): string {
  if (use === undefined) return 'Enough jobs'
  const holders = use.holders.length === 0 ? '' : ` (${listed(use.holders)})`
  return `${use.used} of at most ${use.limit} jobs or calls${holders}`
}

function targetOf(cooldown: Cooldown | null): string {
  if (cooldown === null) return 'its model'
  return cooldown.modelId === '' ? cooldown.providerId : `${cooldown.providerId}/${cooldown.modelId}`
}

function because(cooldown: Cooldown | null): string {
  const reason = cooldown?.reason ?? null
  return reason === null ? '' : `: ${reason}`
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  if (names.length === 0) return 'dependencies that are not recorded'
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

function waitText(job: Job): string {
  switch (job.waitsFor) {
    case 'budget':
      return 'budget'
    case 'provider':
      return 'a usable provider'
    case 'rate':
      return 'the pause that its provider asked for'
    default:
      return job.waitsFor ?? 'its time'
  }
}

function waitRemedy(job: Job): string {
  switch (job.waitsFor) {
    case 'budget':
      return 'raise the budget: orch project edit, or wait for running calls to settle'
    case 'provider':
      return 'orch providers test'
    default:
      return 'it goes on by itself'
  }
}
