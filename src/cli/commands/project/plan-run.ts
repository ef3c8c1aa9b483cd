/** Wires the context to `planProject`. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approvalScope } from '../../../planning/approval-scope.ts'
import { architectCalls } from '../../../planning/architect-calls.ts'
import { expectedModels } from '../../../planning/expected-model.ts'
import { planProject, type PlannedProject } from '../../../planning/plan-project.ts'
import { PlanVault } from '../../../planning/plan-vault.ts'
import type { Context } from '../../../context.ts'
import type { Invocation } from '../../command.ts'
import type { PlanOptions } from './plan-options.ts'
import type { PlanView } from './plan-view.ts'
import { concurrencyOf, personName, storeDeps, usualBudget } from './project-deps.ts'

/** Plans, estimates and stores; returns what to show. */
export async function runPlan(
  { context, io, signal }: Invocation,
  options: PlanOptions,
): Promise<{ readonly planned: PlannedProject; readonly view: PlanView }> {
  const roles = await (await context.roles()).list()
  const concurrency = await concurrencyOf(context)
  const usualBudgetMicroUsd = await usualBudget(context)
  if (options.source.kind === 'goal') io.progress('Asking a model for a plan...')
  const planned = await planProject(
    {
      make: {
        ask: await askWith(context, options, signal),
        progress: io.progress,
        roles,
        cwd: context.cwd,
        nowMs: () => context.clock.now(),
      },
      store: await storeDeps(context),
      vault: planVault(context),
      estimate: { modelFor: expectedModels(await context.modelChooser()), concurrency },
      projectDir: context.paths.projectDir,
      signal,
    },
    { ...options, usualBudgetMicroUsd, approvedBy: options.approve ? personName(context) : null },
  )
  const scope = approvalScope(planned.plan, planned.workspace, roles)
  return {
    planned,
    view: { plan: planned.plan, workspace: planned.workspace, estimate: planned.estimate, scope, concurrency },
  }
}

/** Files in `.orch/plans`, or in the system's temporary directory where that cannot be written. */
export function planVault({ paths, clock }: Pick<Context, 'paths' | 'clock'>): PlanVault {
  return new PlanVault({
    directory: join(paths.orchDir, 'plans'),
    fallbackDirectory: join(tmpdir(), 'orch-plans'),
    clock,
  })
}

async function askWith(context: Context, options: PlanOptions, signal: AbortSignal) {
  const timeoutMs = (await context.settings()).get('limits.call_timeout_ms')
  const { model: pin, allowUnpriced } = options
  const budgetMicroUsd = options.budgetMicroUsd ?? (await usualBudget(context))
  return architectCalls(await context.callDeps({ allowUnpriced }), { pin, budgetMicroUsd, timeoutMs, signal })
}
