import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'one setting',
  example: 'orch config get limits.concurrency',
  tables: { needs: [], uses: ['orchestrator_config'] },
  declare: (command) => void command.argument('<key>', 'setting, as `orch config list` names it'),
  run: async (invocation) => {
    const { requireSettingKey } = await import('../../../config/change-setting.ts')
    const { settingText } = await import('./scope.ts')
    const key = requireSettingKey(textArgument(invocation, 0))
    const { value, source } = (await invocation.context.settings()).resolved(key)
    invocation.io.result('config.get', { key, value, source }, () => settingText(value))
  },
}
