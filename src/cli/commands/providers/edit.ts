import { textArgument, type CommandModule } from '../../command.ts'
import { declareProviderFlags, parseProviderFlags } from './provider-flags.ts'

export const command: CommandModule = {
  summary: 'change a provider; one that was only found is stored by this',
  example: 'orch providers edit openai --max-concurrency 8',
  tables: { needs: ['provider_config'], uses: ['provider_health'] },
  declare: (command) => {
    command.argument('<id>', 'provider')
    declareProviderFlags(command)
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { editProvider } = await import('../../../providers/edit-provider.ts')
    const { OrchError } = await import('../../../errors/orch-error.ts')
    const { editDeps, viewOf } = await import('./provider-view.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const id = textArgument(invocation, 0)
    const changes = await parseProviderFlags(options)
    if (Object.values(changes).every((change) => change === undefined)) {
      throw new OrchError('ORCH_USAGE', 'There is nothing to change', {
        hint: 'Name what to change, for example --max-concurrency 8',
      })
    }
    const deps = await editDeps(context)
    const provider = await editProvider(deps, id, changes)
    // What it failed of may be mended by this: ask it again at once.
    await (await context.health()).recordSuccess(id, '')
    const view = await viewOf(context, provider)
    if (view.problem !== null) io.warn(`${id} cannot be called now: ${view.problem}`)
    io.result('providers.edit', view, () => plainLine(`${id} changed`))
  },
}
