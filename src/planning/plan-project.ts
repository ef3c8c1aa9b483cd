/** `orch project plan`: make a plan, estimate it, and store it or keep it as a file. Nothing paid for is lost on the way. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Plan } from '../domain/plan.ts'
import type { Project } from '../domain/project.ts'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'
import { openWorkspace } from '../workspace/workspace.ts'
import type { PlannerSpend } from './architect.ts'
import { estimatePlan, type EstimateOptions, type PlanEstimate } from './estimate-plan.ts'
import { keepingPlan } from './keep-safe.ts'
import { makePlan, type MadePlan, type MakeDeps, type PlanWish } from './make-plan.ts'
import { serializePlan } from './plan-file.ts'
import type { PlanVault } from './plan-vault.ts'
import { planTables, storePlan, type StoreDeps } from './store-plan.ts'

export interface PlanProjectDeps {
  readonly make: Omit<MakeDeps, 'keepReply'>
  readonly store: StoreDeps
  readonly vault: PlanVault
  readonly estimate: EstimateOptions
  /** The directory that relative workspaces start from. */
  readonly projectDir: string
  readonly signal: AbortSignal
}

export interface PlanProjectRequest extends PlanWish {
  /** Absolute; null takes the plan's own, else the project directory. */
  readonly workspace: string | null
  readonly approvedBy: string | null
  /** Makes and shows the plan, and stores nothing. */
  readonly dryRun: boolean
}

export interface PlannedProject {
  /** As stored, or as it would be. */
  readonly plan: Plan
  readonly workspace: string
  readonly estimate: PlanEstimate
  /** Null when it was not stored. */
  readonly project: Project | null
  readonly missingTables: readonly string[]
  /** Where the plan is kept as a file, when it was made by a model and not stored. */
  readonly planPath: string | null
  readonly ignored: readonly string[]
  readonly spend: PlannerSpend | null
}

/** Throws what `makePlan` and `storePlan` throw; a plan that a model was paid for is then named in the message, kept as a file. */
export async function planProject(deps: PlanProjectDeps, request: PlanProjectRequest): Promise<PlannedProject> {
  // Before anything is paid for.
  if (request.workspace !== null) await requireDirectory(request.workspace)
  const made = await makePlan({ ...deps.make, keepReply: (slug, text) => deps.vault.keepReply(slug, text) }, request)
  const finish = () => finishPlan(deps, request, made)
  const finished = made.spend === null ? await finish() : await keepingPlan(deps.vault, made.plan, finish)
  for (const path of made.replyPaths) await deps.vault.remove(path)
  return finished
}

async function finishPlan(deps: PlanProjectDeps, request: PlanProjectRequest, made: MadePlan): Promise<PlannedProject> {
  if (deps.signal.aborted) throw new OrchError('ORCH_INTERRUPTED', 'Planning was stopped')
  const workspace = request.workspace ?? resolve(deps.projectDir, made.plan.workspace ?? '.')
  await requireDirectory(workspace)
  const estimate = await estimatePlan(made.plan, deps.estimate)
  const missingTables = await deps.store.tables.missing(planTables)
  const common = { workspace, estimate, missingTables, ignored: made.ignored, spend: made.spend }
  if (request.dryRun || missingTables.length > 0) {
    const plan = { ...made.plan, workspace }
    const wanted = made.spend !== null || !request.dryRun
    const planPath = wanted ? await deps.vault.keepPlan(plan.project, serializePlan(plan)) : null
    return { ...common, plan, project: null, planPath }
  }
  const { root } = await openWorkspace(workspace, { createWith: deps.store.ids })
  const stored = await storePlan(deps.store, made.plan, {
    workspace: root,
    approvedBy: request.approvedBy,
    onTakenSlug: request.name === null && request.source.kind !== 'file' ? 'suffix' : 'refuse',
  })
  return { ...common, ...stored, workspace: root, planPath: null }
}

/** Throws ORCH_WORKSPACE_INVALID unless the path is a directory. */
export async function requireDirectory(path: string): Promise<void> {
  const problem = await stat(path).then(
    (found) => (found.isDirectory() ? null : 'is not a directory'),
    (error: unknown) => (systemErrorCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be reached'),
  )
  if (problem === null) return
  throw new OrchError('ORCH_WORKSPACE_INVALID', `The workspace ${path} ${problem}`, {
    hint: 'Name an existing directory with --workspace',
  })
}
