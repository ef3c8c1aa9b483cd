import type { ProjectDescription } from '../../../planning/describe-project.ts'
import { textArgument, type CommandModule, type Invocation } from '../../command.ts'
import type { Cell } from '../../render/table.ts'

export const command: CommandModule = {
  summary: 'one project: its jobs as a tree of waves, with states, and what its approval covers',
  example: 'orch project show todo-api',
  tables: { needs: ['projects', 'jobs'], uses: ['model_usage', 'roles'] },
  declare: (command) => void command.argument('<project>', 'slug of the project'),
  run: async (invocation) => {
    const { context, io } = invocation
    const [{ describedTables, describeProject }, { approvalScope }, { overviewData }, { warnMissing }] =
      await Promise.all([
        import('../../../planning/describe-project.ts'),
        import('../../../planning/approval-scope.ts'),
        import('./project-view.ts'),
        import('../jobs/jobs-context.ts'),
      ])
    const tables = await context.tables()
    const missing = await tables.missing(describedTables)
    if (warnMissing(io, missing, 'there is no project to show')) return io.result('project.show', null, () => '')
    warnMissing(io, await tables.missing(['model_usage']), 'what was spent is not shown')
    const shown = await describeProject({ database: await context.database(), tables }, textArgument(invocation, 0))
    const scope = approvalScope(shown.plan, shown.project.workspace, await (await context.roles()).list())
    const { scopeData, scopeText } = await import('./plan-view.ts')
    const data = {
      ...overviewData(shown),
      planJobs: jobsData(shown),
      waves: shown.waves,
      width: shown.width,
      approvalCovers: scopeData(scope),
    }
    const text = await textOf(invocation, shown)
    io.result('project.show', data, () => `${text}\n\n${scopeText(scope)}`)
  },
}

function jobsData({ jobs, waves }: ProjectDescription) {
  const waveOf = new Map(waves.flatMap((wave, index) => wave.map((key) => [key, index + 1] as const)))
  return jobs.map(({ id, plan, state, blockedBy }) => ({
    id,
    key: plan.key,
    title: plan.title,
    role: plan.role,
    executor: plan.executor,
    priority: plan.priority,
    state,
    wave: waveOf.get(plan.key) ?? null,
    dependsOn: plan.dependsOn,
    blockedBy,
    deliverables: plan.deliverables,
  }))
}

async function textOf({ io }: Invocation, shown: ProjectDescription): Promise<string> {
  const [{ table }, { plainLine }, { progressText, spendText }, { isApproved }] = await Promise.all([
    import('../../render/table.ts'),
    import('../../render/plain.ts'),
    import('./project-view.ts'),
    import('../../../domain/project.ts'),
  ])
  const { project } = shown
  const approval = isApproved(project)
    ? `approved by ${project.approvedBy ?? 'unknown'}`
    : `not approved: orch project approve ${project.slug}`
  const head = [
    `${io.colors.bold(plainLine(project.slug))}  ${shown.status}, ${plainLine(approval)}`,
    plainLine(project.goal),
    `workspace ${plainLine(project.workspace)}, ${progressText(shown)} done, spent ${spendText(shown) ?? 'unknown'}`,
  ].join('\n')
  const rows = treeRows(shown, io.colors.cyan)
  const tree = table(['job', 'state', 'title', 'role', 'waits for'], rows, {
    width: io.streams.stdout.columns,
    paintHead: io.colors.bold,
  })
  return `${head}\n\n${tree}`
}

function treeRows({ jobs, waves }: ProjectDescription, paint: (text: string) => string): Cell[][] {
  const byKey = new Map(jobs.map((job) => [job.plan.key, job]))
  return waves.flatMap((wave, index) => [
    [{ text: `wave ${index + 1}`, paint }, '', '', '', ''],
    ...wave.map((key, at): Cell[] => {
      const job = byKey.get(key)
      const role =
        job?.plan.executor === 'command' ? '(command)' : `${job?.plan.role ?? ''} (${job?.plan.executor ?? ''})`
      const branch = at === wave.length - 1 ? '└─' : '├─'
      return [`${branch} ${key}`, job?.state ?? '', job?.plan.title ?? '', role, job?.plan.dependsOn.join(', ') ?? '']
    }),
  ])
}
