import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'start nothing more of a project; what runs finishes',
  example: 'orch project pause todo-api',
  tables: { needs: ['projects', 'jobs'], uses: ['job_events'] },
  declare: (command) => void command.argument('<project>', 'slug of the project'),
  run: async (invocation) => {
    const { context, io } = invocation
    const [{ pauseProject }, { storeDeps }, { projectData }] = await Promise.all([
      import('../../../planning/project-actions.ts'),
      import('./project-deps.ts'),
      import('./project-view.ts'),
    ])
    const slug = textArgument(invocation, 0)
    const { project, changed } = await pauseProject(await storeDeps(context), slug)
    io.result('project.pause', { ...projectData(project), changed }, () => {
      if (!changed) return `${slug} is paused already.`
      return `${slug} is paused. It goes on with: orch project resume ${slug}`
    })
  },
}
