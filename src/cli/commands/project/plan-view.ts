/** A plan as `--json` and as people see it. */
import type { ChalkInstance } from 'chalk'
import { formatMicroUsd } from '../../../domain/money.ts'
import type { Argv, Plan } from '../../../domain/plan.ts'
import type { ApprovalScope } from '../../../planning/approval-scope.ts'
import type { JobEstimate, PlanEstimate } from '../../../planning/estimate-plan.ts'
import { age } from '../../render/age.ts'
import { money } from '../../render/json.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { table, type Cell } from '../../render/table.ts'

export interface PlanView {
  readonly plan: Plan
  readonly workspace: string
  readonly estimate: PlanEstimate
  readonly scope: ApprovalScope
  readonly concurrency: number
}

/** The JSON form. */
export function planData({ plan, workspace, estimate, scope, concurrency }: PlanView) {
  const waveOf = new Map(estimate.waves.flatMap((wave, index) => wave.map((key) => [key, index + 1] as const)))
  const estimates = new Map(estimate.jobs.map((job) => [job.key, job]))
  return {
    slug: plan.project,
    goal: plan.goal,
    workspace,
    budget: money(plan.budgetMicroUsd),
    jobs: plan.jobs.map((job) => ({
      key: job.key,
      title: job.title,
      role: job.role,
      executor: job.executor,
      priority: job.priority,
      wave: waveOf.get(job.key) ?? null,
      dependsOn: job.dependsOn,
      deliverables: job.deliverables,
      acceptance: job.acceptance.map(({ id, check }) => ({ id, check })),
      estimate: estimateData(estimates.get(job.key)),
    })),
    estimate: {
      inputTokens: estimate.inputTokens,
      outputTokens: estimate.outputTokens,
      knownCost: money(estimate.costMicroUsd),
      unpricedJobs: estimate.unpricedJobs,
      makespanMs: estimate.makespanMs,
      criticalPathMs: estimate.criticalPathMs,
      concurrency,
      waves: estimate.waves,
      width: estimate.width,
    },
    approvalCovers: scopeData(scope),
  }
}

/** What an approval covers, as JSON. */
export function scopeData({ workspace, budgetMicroUsd, commands, roles }: ApprovalScope) {
  return { workspace, budget: money(budgetMicroUsd), commands, roles }
}

function estimateData(estimate: JobEstimate | undefined) {
  if (estimate === undefined) return null
  const { model, tokens, tokenSource, costMicroUsd, durationMs } = estimate
  return {
    model,
    inputTokens: tokens?.inputTokens ?? null,
    outputTokens: tokens?.outputTokens ?? null,
    tokenSource,
    cost: money(costMicroUsd),
    durationMs,
  }
}

export interface TextOptions {
  readonly colors: ChalkInstance
  readonly width: number | undefined
}

/** The tree of waves with roles, models, tokens and cost, and the sums below. */
export function planText(view: PlanView, { colors, width }: TextOptions): string {
  const { plan, workspace, estimate } = view
  const budget = plan.budgetMicroUsd === null ? 'no budget' : `budget ${formatMicroUsd(plan.budgetMicroUsd)}`
  const head = [
    `${colors.bold(plainLine(plan.project))}  ${firstLine(plan.goal)}`,
    `workspace ${plainLine(workspace)}, ${budget}, ${plan.jobs.length} jobs in ${estimate.waves.length} waves, at most ${estimate.width} at once`,
  ]
  const heads = ['job', 'title', 'role', 'model', 'tokens in/out', 'cost', 'waits for']
  const tree = table(heads, treeRows(view, colors), { width, paintHead: colors.bold })
  return [...head, '', tree, '', sumLine(view)].join('\n')
}

function treeRows({ plan, estimate }: PlanView, colors: ChalkInstance): Cell[][] {
  const jobs = new Map(plan.jobs.map((job) => [job.key, job]))
  const estimates = new Map(estimate.jobs.map((job) => [job.key, job]))
  return estimate.waves.flatMap((wave, index) => [
    [{ text: `wave ${index + 1}`, paint: colors.cyan }, '', '', '', '', '', ''],
    ...wave.map((key, at): Cell[] => {
      const job = jobs.get(key)
      const expected = estimates.get(key)
      const isCommand = job?.executor === 'command'
      return [
        `${at === wave.length - 1 ? '└─' : '├─'} ${key}`,
        job?.title ?? '',
        isCommand ? '(command)' : `${job?.role ?? ''} (${job?.executor ?? ''})`,
        isCommand ? '' : (expected?.model ?? 'none yet'),
        expected?.tokens ? `~${compact(expected.tokens.inputTokens)}/${compact(expected.tokens.outputTokens)}` : '',
        isCommand ? '' : costText(expected),
        job?.dependsOn.join(', ') ?? '',
      ]
    }),
  ])
}

function costText(estimate: JobEstimate | undefined): string {
  const cost = estimate?.costMicroUsd ?? null
  if (cost === null) return 'unknown'
  return cost === 0 ? formatMicroUsd(0) : `~${formatMicroUsd(cost)}`
}

function sumLine({ estimate, concurrency }: PlanView): string {
  const { costMicroUsd, unpricedJobs, jobs } = estimate
  const paid = jobs.filter((job) => job.tokens !== null).length
  const known = `~${formatMicroUsd(costMicroUsd)}`
  const cost =
    unpricedJobs === 0
      ? known
      : unpricedJobs === paid
        ? 'unknown cost'
        : `${known} and ${unpricedJobs} jobs of unknown cost`
  const tokens = `~${compact(estimate.inputTokens)} tokens in, ~${compact(estimate.outputTokens)} out`
  return `Estimate: ${tokens}, ${cost}, about ${age(estimate.makespanMs)} with ${concurrency} at once.`
}

/** `950`, `6k`, `1.2M`. */
function compact(count: number): string {
  if (count < 1000) return String(count)
  if (count < 1_000_000) return `${Math.round(count / 1000)}k`
  return `${(count / 1_000_000).toFixed(1)}M`
}

const shownGoal = 100

function firstLine(goal: string): string {
  const line = plainLine(goal)
  return line.length <= shownGoal ? line : `${line.slice(0, shownGoal - 1)}…`
}

const shownArgument = 60

/** What an approval covers, for the person who is about to give it. */
export function scopeText(scope: ApprovalScope): string {
  const commands = scope.commands.map(({ argv, usedBy }) => `  ${argvText(argv)}  (${usedBy.join(', ')})`)
  const roles = scope.roles.map(({ id, tools }) => `  ${id}: ${tools.join(', ') || 'no tools'}`)
  return plain(
    [
      'The approval covers:',
      `workspace ${scope.workspace}`,
      scope.budgetMicroUsd === null
        ? 'budget    none: spend is not limited by the project'
        : `budget    ${formatMicroUsd(scope.budgetMicroUsd)}`,
      scope.commands.length === 0 ? 'commands  none' : 'commands',
      ...commands,
      scope.roles.length === 0 ? 'tools     none' : 'tools of the roles that work as agents',
      ...roles,
    ].join('\n'),
  )
}

/** An argv as JSON, long programs cut; `orch project export` shows them whole. */
function argvText(argv: Argv): string {
  const shown = argv.map((part) => {
    const line = part.replaceAll(/\s+/g, ' ').trim()
    return line.length <= shownArgument ? part : `${line.slice(0, shownArgument)}… (${part.length} characters)`
  })
  return JSON.stringify(shown)
}
