/** What an approval covers (DESIGN section 8): the workspace, every argv list, the budget, and the tools of the roles. */
import type { MicroUsd } from '../domain/money.ts'
import type { Argv, Plan } from '../domain/plan.ts'
import type { Role } from '../models/role.ts'

export interface CoveredCommand {
  readonly argv: Argv
  /** `commands` for what agents may run, else `<job>` or `<job>/<check>`. */
  readonly usedBy: readonly string[]
}

export interface ApprovalScope {
  readonly workspace: string
  readonly budgetMicroUsd: MicroUsd | null
  readonly commands: readonly CoveredCommand[]
  readonly roles: readonly { readonly id: string; readonly tools: readonly string[] }[]
}

/** Collects what a person agrees to by approving the plan. Equal commands are listed once. */
export function approvalScope(plan: Plan, workspace: string, roles: readonly Role[]): ApprovalScope {
  const commands = new Map<string, { readonly argv: Argv; readonly usedBy: string[] }>()
  const add = (argv: Argv, user: string) => {
    const known = commands.get(JSON.stringify(argv)) ?? { argv, usedBy: [] }
    known.usedBy.push(user)
    commands.set(JSON.stringify(argv), known)
  }
  for (const argv of plan.commands) add(argv, 'commands')
  for (const job of plan.jobs) {
    if (job.run !== null) add(job.run, job.key)
    for (const check of job.acceptance) if (check.check === 'command') add(check.run, `${job.key}/${check.id}`)
  }
  const used = new Set(plan.jobs.flatMap((job) => (job.executor === 'agent' && job.role !== null ? [job.role] : [])))
  return {
    workspace,
    budgetMicroUsd: plan.budgetMicroUsd,
    commands: [...commands.values()],
    roles: roles.filter(({ id }) => used.has(id)).map(({ id, tools }) => ({ id, tools })),
  }
}
