import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'every known model: context, price per million tokens, what it offers',
  example: 'orch models list --capability tools --max-price 5',
  tables: { needs: [], uses: ['provider_config', 'model_registry'] },
  declare: (command) =>
    void command
      .option('--provider <id>', 'models of one provider')
      .option(
        '--capability <need>',
        'models known to offer tools, structured_output, vision, reasoning or long_context',
      )
      .option('--max-price <usd>', 'a million output tokens costs at most this; unknown prices are left out')
      .option('--min-context <tokens>', 'a context of at least this; unknown ones are left out'),
  run: async ({ context, io, options, signal }) => {
    const [{ readModelFilter }, { warnFailures, warnNoProvider, warnUnstoredModels }, { modelDocument, modelsText }] =
      await Promise.all([import('./model-filter.ts'), import('./model-warnings.ts'), import('../../render/models.ts')])
    const filter = readModelFilter(options)
    await warnUnstoredModels(context, io)
    const { providers, models, failures } = await (await context.models()).survey(filter, signal)
    warnFailures(failures, io)
    if (providers.length === 0) await warnNoProvider(io)
    io.result('models.list', models.map(modelDocument), () =>
      modelsText(models, { width: io.streams.stdout.columns, paintHead: io.colors.bold }),
    )
  },
}
