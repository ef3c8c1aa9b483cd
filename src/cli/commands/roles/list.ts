import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'every role: who does what, with which tools, and who reports to whom',
  example: 'orch roles list',
  tables: { needs: [], uses: ['roles'] },
  run: async ({ context, io }) => {
    const [{ table }, { warnUnstoredRoles }] = await Promise.all([
      import('../../render/table.ts'),
      import('./role-warnings.ts'),
    ])
    const roles = await (await context.roles()).list()
    await warnUnstoredRoles(context, io)
    io.result('roles.list', roles, () =>
      table(
        ['role', 'title', 'needs', 'tools', 'reports to', 'model', 'from'],
        roles.map((role) => [
          role.id,
          role.title,
          role.needs.join(', ') || null,
          role.tools.join(', ') || null,
          role.reportsTo,
          role.modelPin,
          role.stored ? 'database' : 'built in',
        ]),
        { width: io.streams.stdout.columns, paintHead: io.colors.bold },
      ),
    )
  },
}
