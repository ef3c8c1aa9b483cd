import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'forget a stored provider; its usage stays',
  example: 'orch providers remove lab --forget-key',
  tables: { needs: ['provider_config'], uses: [] },
  declare: (command) =>
    void command.argument('<id>', 'provider').option('--forget-key', 'forget its credential on this machine, too'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { assertWritable, removeProvider } = await import('../../../providers/edit-provider.ts')
    const { editDeps } = await import('./provider-view.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const id = textArgument(invocation, 0)
    const deps = await editDeps(context)
    await assertWritable(deps, 'providers remove')
    const { credential } = await deps.providers.get(id)
    await removeProvider(deps, id)
    const forgets = options['forgetKey'] === true && credential !== null
    const keyForgotten = forgets && (await deps.providers.credentials.remove(credential))
    io.result('providers.remove', { id, keyForgotten }, () =>
      plainLine(`${id} removed${keyForgotten ? ', with its key' : ''}`),
    )
  },
}
