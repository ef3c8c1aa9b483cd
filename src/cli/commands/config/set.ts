import type { SettingDefinition } from '../../../config/setting.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { chosenScope, declareScope, settingPlaces, settingText } from './scope.ts'

export const command: CommandModule = {
  summary: 'change one setting',
  example: 'orch config set --user limits.concurrency 8',
  tables: { needs: [], uses: ['orchestrator_config'], needsWith: { '--shared': ['orchestrator_config'] } },
  declare: (command) => {
    command.argument('<key>', 'setting, as `orch config list` names it').argument('<value...>', 'its new value')
    declareScope(command)
  },
  run: async (invocation) => {
    const { context, io, args, options } = invocation
    const { requireSettingKey, storeSetting } = await import('../../../config/change-setting.ts')
    const { settingDefinitions } = await import('../../../config/setting.ts')
    const key = requireSettingKey(textArgument(invocation, 0))
    const words = Array.isArray(args[1]) ? (args[1] as readonly string[]) : []
    const { type, keptIn = 'project' }: SettingDefinition = settingDefinitions[key]
    const isList = type === 'list' || type === 'counts'
    const scope = chosenScope(options, keptIn)
    const place = await storeSetting(settingPlaces(invocation), scope, { key, value: isList ? words : words.join(' ') })
    const { value, source } = (await context.settings()).resolved(key)
    const wanted = { project: 'project file', user: 'user file', shared: 'database' }[scope]
    if (source !== wanted) {
      io.warn(`${key} is still ${settingText(value)}: the ${source} is asked before the ${wanted}`)
    }
    io.result('config.set', { key, value, source, scope, place }, () => `${key} set in ${place}`)
  },
}
