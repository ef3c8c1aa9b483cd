import type { SettingKey, SettingValue } from './setting.ts'
import { environmentName, settingDefinitions, settingKeys } from './setting.ts'
import { checkSetting, type RawSetting } from './setting-value.ts'
import type { FileSettings } from './settings-file.ts'

/** Where a value came from, strongest first. */
export const settingSources = ['flag', 'environment', 'database', 'project file', 'user file', 'default'] as const
export type SettingSource = (typeof settingSources)[number]

export interface ResolvedSetting {
  readonly key: SettingKey
  readonly value: RawSetting
  readonly source: SettingSource
}

export interface SettingLayers {
  readonly env: NodeJS.ProcessEnv
  /** Rows of orchestrator_config that this user may be given: empty where the database is not trusted. */
  readonly database: FileSettings
  readonly projectFile: FileSettings
  readonly userFile: FileSettings
}

/** Settings after precedence: flags are the caller's own; then environment, database, files, defaults. */
export class Settings {
  readonly #resolved: ReadonlyMap<SettingKey, ResolvedSetting>
  readonly #layers: SettingLayers

  constructor(layers: SettingLayers) {
    this.#layers = layers
    this.#resolved = new Map(settingKeys.map((key) => [key, resolve(key, layers)]))
  }

  get<K extends SettingKey>(key: K): SettingValue<K> {
    return this.resolved(key).value as SettingValue<K>
  }

  /** The value with its source, for `orch doctor` and `orch config list`. */
  resolved(key: SettingKey): ResolvedSetting {
    return this.#resolved.get(key) ?? { key, value: settingDefinitions[key].default, source: 'default' }
  }

  /** The same settings with what the database says by now. */
  withDatabase(database: FileSettings): Settings {
    return new Settings({ ...this.#layers, database })
  }

  all(): readonly ResolvedSetting[] {
    return [...this.#resolved.values()]
  }
}

function resolve(key: SettingKey, layers: SettingLayers): ResolvedSetting {
  const name = environmentName(key)
  const fromEnvironment = layers.env[name]
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return { key, value: checkSetting(key, fromEnvironment, name), source: 'environment' }
  }
  const stored = [
    ['database', layers.database],
    ['project file', layers.projectFile],
    ['user file', layers.userFile],
  ] as const
  for (const [source, values] of stored) {
    const value = values.get(key)
    if (value !== undefined) return { key, value, source }
  }
  return { key, value: settingDefinitions[key].default, source: 'default' }
}
