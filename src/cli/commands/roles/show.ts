import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'one role with its whole prompt',
  example: 'orch roles show engineer',
  tables: { needs: [], uses: ['roles'] },
  declare: (command) => void command.argument('<id>', 'role, as `orch roles list` names it'),
  run: async (invocation) => {
    const { context, io } = invocation
    const [{ roleText }, { warnUnstoredRoles }] = await Promise.all([
      import('./role-text.ts'),
      import('./role-warnings.ts'),
    ])
    const role = await (await context.roles()).get(textArgument(invocation, 0))
    await warnUnstoredRoles(context, io)
    io.result('roles.show', role, () => roleText(role, io.colors))
  },
}
