import type { SettingDefinition } from '../../../config/setting.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { chosenScope, declareScope, settingPlaces, settingText } from './scope.ts'

export const command: CommandModule = {
  summary: 'take a setting back to what the next place says',
  example: 'orch config unset limits.concurrency',
  tables: { needs: [], uses: ['orchestrator_config'], needsWith: { '--shared': ['orchestrator_config'] } },
  declare: (command) => {
    command.argument('<key>', 'setting, as `orch config list` names it')
    declareScope(command)
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { removeSetting, requireSettingKey } = await import('../../../config/change-setting.ts')
    const { settingDefinitions } = await import('../../../config/setting.ts')
    const key = requireSettingKey(textArgument(invocation, 0))
    const { keptIn = 'project' }: SettingDefinition = settingDefinitions[key]
    const scope = chosenScope(options, keptIn)
    const place = await removeSetting(settingPlaces(invocation), scope, key)
    const { value, source } = (await context.settings()).resolved(key)
    io.result('config.unset', { key, value, source, scope, place }, () => {
      const now = `${key} is ${settingText(value)} (${source})`
      return place === null ? `nothing to take back: ${now}` : `removed from ${place}: ${now}`
    })
  },
}
