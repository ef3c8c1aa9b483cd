/** What a plan will take: tokens and money per job, and the time of a perfect schedule. An estimate is labelled as one. */
import { simulateSchedule } from '../domain/schedule.ts'
import { priorities } from '../domain/job-state.ts'
import type { MicroUsd } from '../domain/money.ts'
import { waves, width } from '../domain/plan-graph.ts'
import type { ExecutorKind, Plan, PlannedJob, TokenEstimate } from '../domain/plan.ts'
import type { Price } from '../models/model.ts'
import { priceCall } from '../models/pricing.ts'

/** The model that a job would get now; null where there is none. */
export interface ExpectedModel {
  readonly name: string
  /** Null is unknown. */
  readonly price: Price | null
}

export interface EstimateOptions {
  readonly modelFor: (job: PlannedJob) => Promise<ExpectedModel | null>
  readonly concurrency: number
}

export interface JobEstimate {
  readonly key: string
  readonly model: string | null
  readonly tokens: TokenEstimate | null
  /** Whose guess the tokens are: the plan's, or the executor's usual. */
  readonly tokenSource: 'plan' | 'default' | null
  /** Null is unknown; command jobs cost 0. */
  readonly costMicroUsd: MicroUsd | null
  readonly durationMs: number
}

export interface PlanEstimate {
  readonly jobs: readonly JobEstimate[]
  readonly inputTokens: number
  readonly outputTokens: number
  /** Sum of the known costs. */
  readonly costMicroUsd: MicroUsd
  /** Jobs whose cost is unknown; the sum is a part of the truth while this is not 0. */
  readonly unpricedJobs: number
  readonly makespanMs: number
  /** Time on the longest chain alone. */
  readonly criticalPathMs: number
  readonly waves: readonly (readonly string[])[]
  readonly width: number
}

/** Usual sizes where a plan says nothing: an agent reads its conversation again at every step. */
const defaultTokens: Readonly<Record<ExecutorKind, TokenEstimate | null>> = {
  agent: { inputTokens: 60_000, outputTokens: 8000 },
  llm: { inputTokens: 6000, outputTokens: 2000 },
  command: null,
}
const defaultDurationMs: Readonly<Record<ExecutorKind, number>> = { agent: 180_000, llm: 30_000, command: 5000 }

/** What a job of this kind usually takes; its own time limit is an upper bound. */
export function usualDurationMs({ executor, timeoutMs }: Pick<PlannedJob, 'executor' | 'timeoutMs'>): number {
  return Math.min(defaultDurationMs[executor], timeoutMs ?? Number.POSITIVE_INFINITY)
}

/** Estimates a valid plan. */
export async function estimatePlan(plan: Pick<Plan, 'jobs'>, options: EstimateOptions): Promise<PlanEstimate> {
  const jobs: JobEstimate[] = []
  for (const job of plan.jobs) jobs.push(await estimateJob(job, options))
  const scheduled = plan.jobs.map((job, index) => ({
    key: job.key,
    dependsOn: job.dependsOn,
    priority: priorities[job.priority],
    durationMs: jobs[index]?.durationMs ?? 0,
  }))
  return {
    jobs,
    inputTokens: sum(jobs.map(({ tokens }) => tokens?.inputTokens ?? 0)),
    outputTokens: sum(jobs.map(({ tokens }) => tokens?.outputTokens ?? 0)),
    costMicroUsd: sum(jobs.map(({ costMicroUsd }) => costMicroUsd ?? 0)),
    unpricedJobs: jobs.filter(({ costMicroUsd }) => costMicroUsd === null).length,
    makespanMs: simulateSchedule(scheduled, options.concurrency).makespanMs,
    criticalPathMs: simulateSchedule(scheduled, scheduled.length).makespanMs,
    waves: waves(plan.jobs),
    width: width(plan.jobs),
  }
}

async function estimateJob(job: PlannedJob, { modelFor }: EstimateOptions): Promise<JobEstimate> {
  const durationMs = usualDurationMs(job)
  if (job.executor === 'command') {
    return { key: job.key, model: null, tokens: null, tokenSource: null, costMicroUsd: 0, durationMs }
  }
  const model = await modelFor(job)
  const tokens = job.estimate ?? defaultTokens[job.executor]
  const usage = {
    inputTokens: tokens?.inputTokens ?? null,
    outputTokens: tokens?.outputTokens ?? null,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
  }
  return {
    key: job.key,
    model: model?.name ?? null,
    tokens,
    tokenSource: job.estimate === null ? 'default' : 'plan',
    costMicroUsd: priceCall(model?.price ?? null, usage),
    durationMs,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
