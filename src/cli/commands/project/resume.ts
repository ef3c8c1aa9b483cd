import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'let a paused project go on',
  example: 'orch project resume todo-api',
  tables: { needs: ['projects', 'jobs'], uses: ['job_events'] },
  declare: (command) => void command.argument('<project>', 'slug of the project'),
  run: async (invocation) => {
    const { context, io } = invocation
    const [{ resumeProject }, { storeDeps }, { projectData }] = await Promise.all([
      import('../../../planning/project-actions.ts'),
      import('./project-deps.ts'),
      import('./project-view.ts'),
    ])
    const slug = textArgument(invocation, 0)
    const { project, changed } = await resumeProject(await storeDeps(context), slug)
    io.result('project.resume', { ...projectData(project), changed }, () => {
      if (!changed) return `${slug} goes on already.`
      return `${slug} goes on. Next: orch jobs run --project ${slug}`
    })
  },
}
