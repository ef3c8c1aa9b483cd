import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'approve a plan: its workspace, commands, budget and tools; its jobs may start then',
  example: 'orch project approve todo-api',
  tables: { needs: ['projects', 'jobs'], uses: ['model_usage', 'roles', 'job_events'] },
  declare: (command) => void command.argument('<project>', 'slug of the project'),
  run: async (invocation) => {
    const { context, io } = invocation
    const slug = textArgument(invocation, 0)
    const [{ approveProject }, { describeProject }, { approvalScope }, { scopeData, scopeText }, deps] =
      await Promise.all([
        import('../../../planning/project-actions.ts'),
        import('../../../planning/describe-project.ts'),
        import('../../../planning/approval-scope.ts'),
        import('./plan-view.ts'),
        import('./project-deps.ts'),
      ])
    const { projectData } = await import('./project-view.ts')
    const store = await deps.storeDeps(context)
    await store.tables.require(['projects', 'jobs'], 'Approving a project')
    const { project, plan } = await describeProject(store, slug)
    const scope = approvalScope(plan, project.workspace, await (await context.roles()).list())
    io.progress(scopeText(scope))
    if (io.canAsk && !(await io.confirm(`Approve ${slug}?`))) return 'done'
    const approval = { planHash: project.planHash, approvedBy: deps.personName(context) }
    const approved = await approveProject(store, slug, approval)
    const data = { ...projectData(approved.project), changed: approved.changed, approvalCovers: scopeData(scope) }
    io.result('project.approve', data, () => {
      if (!approved.changed) return `${slug} is approved already.`
      return `${slug} is approved. Next: orch jobs run --project ${slug}`
    })
  },
}
