import { resolve } from 'node:path'
import type { Applied } from '../../../planning/apply-plan.ts'
import { textArgument, type CommandModule, type Invocation } from '../../command.ts'

export const command: CommandModule = {
  summary: 'make a plan file the plan of its project; a changed plan needs a new approval',
  example: 'orch project apply plan.yaml',
  tables: {
    needs: ['projects', 'jobs', 'job_dependencies'],
    uses: ['orchestrator_config', 'roles', 'attempts', 'tasks', 'job_events'],
  },
  declare: (command) =>
    void command
      .argument('<file>', 'a plan, as `orch schema plan` describes it')
      .option('--workspace <directory>', "where the work happens, instead of the plan's own")
      .option('--approve', 'approve the plan with this call'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const [{ readPlanFile }, { applyPlan }, { openWorkspace }, deps, { requireDirectory }] = await Promise.all([
      import('../../../planning/make-plan.ts'),
      import('../../../planning/apply-plan.ts'),
      import('../../../workspace/workspace.ts'),
      import('./project-deps.ts'),
      import('../../../planning/plan-project.ts'),
    ])
    const roles = new Set((await (await context.roles()).list()).map(({ id }) => id))
    const written = await readPlanFile(textArgument(invocation, 0), { cwd: context.cwd, roles })
    const plan = { ...written, budgetMicroUsd: written.budgetMicroUsd ?? (await deps.usualBudget(context)) }
    const place = workspaceOf(invocation, plan.workspace)
    await requireDirectory(place)
    const store = await deps.storeDeps(context)
    await store.tables.require(['projects', 'jobs', 'job_dependencies'], 'Applying a plan')
    const { root } = await openWorkspace(place, { createWith: context.ids })
    const approvedBy = options['approve'] === true ? deps.personName(context) : null
    const applied = await applyPlan(store, plan, { workspace: root, approvedBy })
    const { projectData } = await import('./project-view.ts')
    io.result('project.apply', { ...projectData(applied.project), outcome: applied.kind, ...changesOf(applied) }, () =>
      textOf(applied),
    )
  },
}

function workspaceOf({ context, options }: Invocation, planned: string | null): string {
  if (typeof options['workspace'] === 'string') return resolve(context.cwd, options['workspace'])
  return resolve(context.paths.projectDir, planned ?? '.')
}

function changesOf(applied: Applied) {
  if (applied.kind !== 'changed') return { added: [], changed: [], removed: [], keptAsTheyWere: [] }
  const { added, changed, removed, keptAsTheyWere } = applied
  return { added, changed, removed, keptAsTheyWere }
}

function textOf(applied: Applied): string {
  const { slug, status } = applied.project
  const next = status === 'draft' ? `Next: orch project approve ${slug}` : `Next: orch jobs run --project ${slug}`
  if (applied.kind === 'unchanged') return `${slug} has this plan already; nothing changed. It is ${status}.`
  if (applied.kind === 'created') return `${slug} is stored as ${status}: ${applied.plan.jobs.length} jobs. ${next}`
  const lines = [
    ['added', applied.added],
    ['changed', applied.changed],
    ['removed and cancelled', applied.removed],
    ['kept as they were, because they run or ended', applied.keptAsTheyWere],
  ] as const
  const shown = lines.filter(([, keys]) => keys.length > 0).map(([what, keys]) => `  ${what}: ${keys.join(', ')}`)
  return [`${slug} has a new plan and is ${status}.`, ...shown, next].join('\n')
}
