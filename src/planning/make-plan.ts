/** Where a plan comes from: a person's file, a blueprint, or the architect. Whatever the way, it is valid when it returns. */
import { resolve } from 'node:path'
import { boundedText } from './bounded-text.ts'
import type { MicroUsd } from '../domain/money.ts'
import type { Plan } from '../domain/plan.ts'
import type { OrchError } from '../errors/orch-error.ts'
import type { Role } from '../models/role.ts'
import { designPlan, type ArchitectDeps, type Design, type PlannerSpend } from './architect.ts'
import { findBlueprint } from './blueprints/registry.ts'
import type { ContextFile } from './context-files.ts'
import { planInvalid } from './plan-fault.ts'
import { parsePlanFile, withLines } from './plan-file.ts'
import { documentLimitBytes } from './read-yaml.ts'
import { slugFromGoal } from '../domain/slug.ts'
import { stoppedError } from './stopped-error.ts'
import { validatePlan } from './validate-plan.ts'

export type PlanSource =
  | { readonly kind: 'goal'; readonly goal: string; readonly context: readonly ContextFile[] }
  | { readonly kind: 'blueprint'; readonly name: string; readonly goal: string | null }
  | { readonly kind: 'file'; readonly path: string }

export interface PlanWish {
  readonly source: PlanSource
  /** Slug that the person wants; null makes one from the goal. */
  readonly name: string | null
  /** Null leaves the source's own. */
  readonly budgetMicroUsd: MicroUsd | null
  /** The cap of a project that states none: the setting `budget.project_usd`. */
  readonly usualBudgetMicroUsd: MicroUsd | null
  readonly maxJobs: number | null
}

export interface MakeDeps extends Pick<ArchitectDeps, 'ask' | 'progress'> {
  readonly roles: readonly Role[]
  readonly cwd: string
  readonly nowMs: () => number
  /** Keeps a raw reply under the plan's slug and returns the path. */
  readonly keepReply: (slug: string, text: string) => Promise<string>
}

export interface MadePlan {
  readonly plan: Plan
  /** Person-only fields that the model wrote and that were left out. */
  readonly ignored: readonly string[]
  /** Raw replies kept as files until the plan is safe elsewhere. */
  readonly replyPaths: readonly string[]
  /** Null where no model was asked. */
  readonly spend: PlannerSpend | null
}

/**
 * Makes a valid plan. Throws ORCH_PLAN_INVALID naming every fault (and where the raw reply is kept),
 * ORCH_FILE_UNREADABLE, ORCH_NO_PROVIDER, ORCH_PROVIDER_FAILED, ORCH_BUDGET, ORCH_INTERRUPTED.
 */
export async function makePlan(deps: MakeDeps, wish: PlanWish): Promise<MadePlan> {
  const made = await makeFrom(deps, wish)
  const budgetMicroUsd = wish.budgetMicroUsd ?? made.plan.budgetMicroUsd ?? wish.usualBudgetMicroUsd
  return { ...made, plan: { ...made.plan, project: wish.name ?? made.plan.project, budgetMicroUsd } }
}

function makeFrom(deps: MakeDeps, wish: PlanWish): Promise<MadePlan> {
  switch (wish.source.kind) {
    case 'goal':
      return fromGoal(deps, wish, wish.source)
    case 'blueprint':
      return fromBlueprint(deps, wish, wish.source)
    case 'file':
      return fromFile(deps, wish, wish.source.path)
  }
}

const withoutModel = { ignored: [], replyPaths: [], spend: null } as const

async function fromBlueprint(
  deps: MakeDeps,
  wish: PlanWish,
  source: Extract<PlanSource, { kind: 'blueprint' }>,
): Promise<MadePlan> {
  const blueprint = findBlueprint(source.name)
  const project = source.goal === null ? blueprint.name : slugFromGoal(source.goal)
  const plan = blueprint.build({ goal: source.goal, project })
  const faults = validatePlan(plan, { roles: roleIds(deps), maxJobs: wish.maxJobs })
  if (faults.length > 0) throw planInvalid(`The blueprint ${blueprint.name}`, faults)
  return { plan, ...withoutModel }
}

async function fromFile(deps: MakeDeps, wish: PlanWish, path: string): Promise<MadePlan> {
  const plan = await readPlanFile(path, { cwd: deps.cwd, roles: roleIds(deps), maxJobs: wish.maxJobs })
  return { plan, ...withoutModel }
}

export interface ReadPlanOptions {
  readonly cwd: string
  readonly roles: ReadonlySet<string>
  readonly maxJobs?: number | null
}

/** Reads and validates a plan file. Throws ORCH_FILE_UNREADABLE or ORCH_PLAN_INVALID with lines and paths. */
export async function readPlanFile(path: string, options: ReadPlanOptions): Promise<Plan> {
  const text = await boundedText(resolve(options.cwd, path), { name: path, limitBytes: documentLimitBytes })
  const parsed = parsePlanFile(text)
  if (parsed.kind === 'invalid')
    throw planInvalid(path, parsed.faults, 'See `orch schema plan` for what a plan may hold')
  const faults = withLines(validatePlan(parsed.plan, options), parsed.lineOf)
  if (faults.length > 0) throw planInvalid(path, faults)
  return parsed.plan
}

async function fromGoal(
  deps: MakeDeps,
  wish: PlanWish,
  source: Extract<PlanSource, { kind: 'goal' }>,
): Promise<MadePlan> {
  const project = wish.name ?? slugFromGoal(source.goal)
  const architect = deps.roles.find(({ id }) => id === 'architect')
  const design = await designPlan(
    { ask: deps.ask, progress: deps.progress, keep: (text) => deps.keepReply(project, text) },
    {
      frame: { project, goal: source.goal, budgetMicroUsd: wish.budgetMicroUsd, workspace: null },
      context: source.context,
      rolePrompt: architect?.prompt ?? '',
      roles: deps.roles,
      maxJobs: wish.maxJobs,
    },
  )
  if (design.kind === 'plan') return design
  throw design.kind === 'invalid' ? invalidReply(design) : stoppedError(design, deps.nowMs())
}

function invalidReply({ faults, replyPaths }: Extract<Design, { kind: 'invalid' }>): OrchError {
  const asked = replyPaths.length > 1 ? 'The reply, also after one request for repair,' : 'The reply'
  return planInvalid(asked, faults, `Nothing was stored. The raw reply is kept in ${replyPaths.join(' and ')}`)
}

function roleIds({ roles }: MakeDeps): ReadonlySet<string> {
  return new Set(roles.map(({ id }) => id))
}
