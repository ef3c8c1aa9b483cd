import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'every setting, its value and where it comes from',
  example: 'orch config list',
  tables: { needs: [], uses: ['orchestrator_config'] },
  run: async ({ context, io }) => {
    const [{ environmentName, settingDefinitions }, { table }, { settingText }] = await Promise.all([
      import('../../../config/setting.ts'),
      import('../../render/table.ts'),
      import('./scope.ts'),
    ])
    const settings = (await context.settings()).all().map(({ key, value, source }) => {
      const { means, default: fallback } = settingDefinitions[key]
      return { key, value, source, default: fallback, environment: environmentName(key), means }
    })
    io.result('config.list', settings, () =>
      table(
        ['setting', 'value', 'from', 'means'],
        settings.map(({ key, value, source, means }) => [key, settingText(value), source, means]),
        { width: io.streams.stdout.columns, paintHead: io.colors.bold },
      ),
    )
  },
}
