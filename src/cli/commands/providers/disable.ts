import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'stop using a provider, without forgetting it',
  example: 'orch providers disable openai',
  tables: { needs: ['provider_config'], uses: ['provider_health'] },
  declare: (command) => void command.argument('<id>', 'provider'),
  run: async (invocation) => {
    const { context, io } = invocation
    const { editProvider } = await import('../../../providers/edit-provider.ts')
    const { editDeps, viewOf } = await import('./provider-view.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const id = textArgument(invocation, 0)
    const deps = await editDeps(context)
    const provider = await editProvider(deps, id, { enabled: false })
    const view = await viewOf(context, provider)
    io.result('providers.disable', view, () => plainLine(`${id} is disabled`))
  },
}
