import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'projects, how far they are, and what they cost',
  example: 'orch project list',
  tables: { needs: ['projects'], uses: ['jobs', 'model_usage'] },
  run: async ({ context, io }) => {
    const [{ listOverviews }, { table }, { overviewCells, overviewData }, { warnMissing }] = await Promise.all([
      import('../../../planning/project-overview.ts'),
      import('../../render/table.ts'),
      import('./project-view.ts'),
      import('../jobs/jobs-context.ts'),
    ])
    const tables = await context.tables()
    warnMissing(io, await tables.missing(['projects']), 'there are no projects to list')
    warnMissing(io, await tables.missing(['jobs', 'model_usage']), 'what they hold is not shown')
    const overviews = await listOverviews({ database: await context.database(), tables })
    io.result('project.list', overviews.map(overviewData), () => {
      if (overviews.length === 0) return 'No projects. Begin with: orch project plan "<goal>"'
      const head = ['project', 'status', 'done', 'spend', 'budget', 'workspace', 'goal']
      return table(head, overviews.map(overviewCells), { width: io.streams.stdout.columns, paintHead: io.colors.bold })
    })
  },
}
