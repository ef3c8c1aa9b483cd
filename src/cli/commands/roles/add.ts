import { textArgument, type CommandModule } from '../../command.ts'
import { declareRoleFlags } from './role-options.ts'

export const command: CommandModule = {
  summary: 'a new role of your own',
  example:
    'orch roles add translator --title Translator --prompt-file translator.md --tools read,write --reports-to writer',
  tables: { needs: ['roles'], uses: [] },
  declare: (command) => declareRoleFlags(command.argument('<id>', 'short name that plans use')),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { OrchError } = await import('../../../errors/orch-error.ts')
    const { roleChange } = await import('./role-flags.ts')
    const roles = await context.roles()
    const id = textArgument(invocation, 0)
    const change = roleChange(options, context.cwd)
    if ((await roles.list()).some((role) => role.id === id)) {
      throw new OrchError('ORCH_CONFLICT', `The role ${id} exists`, {
        hint: `Change it with \`orch roles edit ${id}\``,
      })
    }
    const { title, prompt } = change
    if (title === undefined || prompt === undefined) {
      throw new OrchError('ORCH_USAGE', `A new role needs ${title === undefined ? '--title' : '--prompt-file'}`, {
        hint: 'Its prompt says how it works: see `orch roles show engineer` for an example',
      })
    }
    const standard = {
      needs: [],
      tools: [],
      deniedCommands: [],
      reportsTo: null,
      modelPin: null,
      stored: false,
    } as const
    const role = await roles.put({ ...standard, ...change, id, title, prompt })
    io.result('roles.add', role, () => `Added the role ${id}`)
  },
}
