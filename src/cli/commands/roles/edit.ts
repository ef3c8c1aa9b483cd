import { textArgument, type CommandModule } from '../../command.ts'
import { declareRoleFlags } from './role-options.ts'

export const command: CommandModule = {
  summary: 'change a role; without flags, its prompt in your editor',
  example: 'orch roles edit engineer --tools list,read,search,edit',
  tables: { needs: ['roles'], uses: [] },
  declare: (command) => declareRoleFlags(command.argument('<id>', 'role, as `orch roles list` names it')),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { roleChange } = await import('./role-flags.ts')
    const roles = await context.roles()
    const before = await roles.get(textArgument(invocation, 0))
    const flagged = roleChange(options, context.cwd)
    const change = Object.keys(flagged).length > 0 ? flagged : { prompt: await editedPrompt(invocation, before) }
    const role = await roles.put({ ...before, ...change })
    io.result('roles.edit', role, () => `Changed the role ${role.id}`)
  },
}

async function editedPrompt(
  { context, io }: Parameters<CommandModule['run']>[0],
  role: { readonly id: string; readonly prompt: string },
): Promise<string> {
  const { editText } = await import('../../edit-text.ts')
  const { OrchError } = await import('../../../errors/orch-error.ts')
  if (!io.canAsk) {
    throw new OrchError(
      'ORCH_NEEDS_CONFIRMATION',
      'Without a terminal there is no editor: nothing says what to change',
      {
        hint: 'Pass --prompt-file, --title, --needs, --tools, --reports-to or --deny',
      },
    )
  }
  const text = await editText(role.prompt, { env: context.env, name: `${role.id}.md` })
  return text.trim()
}
