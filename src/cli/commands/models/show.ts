import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'one model in its three layers, with the source of every value',
  example: 'orch models show openai/gpt-5',
  tables: { needs: [], uses: ['provider_config', 'model_registry'] },
  declare: (command) => void command.argument('<model>', 'provider/model'),
  run: async (invocation) => {
    const { context, io, signal } = invocation
    const [{ findModel }, { warnUnstoredModels }, { layersDocument, layersText }] = await Promise.all([
      import('./find-model.ts'),
      import('./model-warnings.ts'),
      import('../../render/models.ts'),
    ])
    await warnUnstoredModels(context, io)
    const model = await findModel(context, textArgument(invocation, 0), signal)
    io.result('models.show', layersDocument(model), () =>
      layersText(model, { width: io.streams.stdout.columns, paintHead: io.colors.bold }),
    )
  },
}
