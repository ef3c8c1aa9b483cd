import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'end a project for good; every job that has not ended is cancelled',
  example: 'orch project cancel todo-api --reason "no longer needed"',
  tables: { needs: ['projects', 'jobs'], uses: ['attempts', 'job_events'] },
  declare: (command) =>
    void command.argument('<project>', 'slug of the project').option('--reason <text>', 'why, for the history'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const [{ cancelProject }, { storeDeps }, { projectData }] = await Promise.all([
      import('../../../planning/project-actions.ts'),
      import('./project-deps.ts'),
      import('./project-view.ts'),
    ])
    const slug = textArgument(invocation, 0)
    const deps = await storeDeps(context)
    if (!(await io.confirm(`Cancel ${slug} and every job of it that has not ended? There is no way back.`)))
      return 'done'
    const reason = typeof options['reason'] === 'string' ? options['reason'] : 'the project was cancelled'
    const { project, changed, jobs } = await cancelProject(deps, slug, reason)
    io.result('project.cancel', { ...projectData(project), changed, cancelledJobs: jobs }, () => {
      if (!changed) return `${slug} is cancelled already.`
      return `${slug} is cancelled, and with it ${jobs.length} jobs.`
    })
  },
}
