/** What a model was paid for outlives the database: a plan that cannot be stored is kept as a file. */
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import type { Plan } from '../domain/plan.ts'
import { serializePlan } from './plan-file.ts'
import type { PlanVault } from './plan-vault.ts'

/** Runs `work` and, when it fails, keeps the plan and adds to the error where it is and what to do next. */
export async function keepingPlan<T>(vault: PlanVault, plan: Plan, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const path = await vault.keepPlan(plan.project, serializePlan(plan))
    const code = error instanceof OrchError ? error.code : 'ORCH_DATABASE_FAILED'
    const hint = error instanceof OrchError && error.hint !== undefined ? `${error.hint}. ` : ''
    throw new OrchError(code, `${errorMessage(error)}. The plan is safe in ${path}`, {
      hint: `${hint}Then: orch project apply ${path}`,
      cause: error,
    })
  }
}
