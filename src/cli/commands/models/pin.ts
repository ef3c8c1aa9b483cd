import { textArgument, type CommandModule, type Invocation } from '../../command.ts'

export const command: CommandModule = {
  summary: 'give a role one model, or one provider, whatever the policy says',
  example: 'orch models pin engineer anthropic/claude-sonnet-4-5',
  tables: { needs: ['roles'], uses: ['provider_config', 'model_registry'] },
  declare: (command) =>
    void command
      .argument('<role>', 'role, as `orch roles list` names it')
      .argument('[model]', 'provider/model, or a provider alone for its best model')
      .option('--clear', 'let the policy choose again'),
  run: async (invocation) => {
    const { context, io } = invocation
    const roles = await context.roles()
    const role = await roles.get(textArgument(invocation, 0))
    const modelPin = await wantedPin(invocation)
    const pinned = await roles.put({ ...role, modelPin })
    io.result('models.pin', { role: pinned.id, modelPin }, () =>
      modelPin === null ? `${pinned.id}: the policy chooses` : `${pinned.id} gets ${modelPin}`,
    )
  },
}

async function wantedPin(invocation: Invocation): Promise<string | null> {
  const { context, options, signal } = invocation
  const { OrchError } = await import('../../../errors/orch-error.ts')
  const name = textArgument(invocation, 1)
  const clear = options['clear'] === true
  if (clear === (name !== '')) {
    throw new OrchError('ORCH_USAGE', clear ? '--clear takes no model' : 'Which model? Give provider/model, or --clear')
  }
  if (clear) return null
  if (!name.includes('/')) return (await (await context.providers()).get(name)).id
  const { findModel } = await import('./find-model.ts')
  return (await findModel(context, name, signal)).name
}
