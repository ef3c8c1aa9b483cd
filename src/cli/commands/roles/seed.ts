import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'store the built-in roles that have no row yet, so that they can be edited',
  example: 'orch roles seed',
  tables: { needs: ['roles'], uses: [] },
  run: async ({ context, io }) => {
    const added = await (await context.roles()).seed()
    io.result('roles.seed', { added }, () =>
      added.length === 0 ? 'Every built-in role is stored already' : `Stored ${added.join(', ')}`,
    )
  },
}
