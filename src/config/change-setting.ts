import { join } from 'node:path'
import type { Capabilities } from '../database/capabilities.ts'
import type { Database } from '../database/connection.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { closestWord } from '../domain/closest-word.ts'
import type { Paths } from './paths.ts'
import { isSettingKey, settingDefinitions, settingKeys, type SettingDefinition, type SettingKey } from './setting.ts'
import { checkSetting } from './setting-value.ts'

/** Where a setting is kept: for this user everywhere, for this project's file, or for all who share the database. */
export const settingScopes = ['user', 'project', 'shared'] as const
export type SettingScope = (typeof settingScopes)[number]

/** What a change needs; everything is opened only when its scope asks for it. */
export interface SettingPlaces {
  readonly paths: Paths
  /** The project's configuration file, where `--config` names another one. */
  readonly projectFile?: string
  readonly clock: Clock
  database(): Promise<Database>
  tables(): Promise<Capabilities>
  databaseIsTrusted(): Promise<boolean>
}

/** Returns the key, or throws ORCH_USAGE with the one that was probably meant. */
export function requireSettingKey(text: string): SettingKey {
  if (isSettingKey(text)) return text
  const known = closestWord(text, settingKeys)
  throw new OrchError('ORCH_USAGE', `There is no setting "${text}"`, {
    hint: known === null ? '`orch config list` shows them all' : `Did you mean ${known}?`,
  })
}

/**
 * Stores a setting and returns where. Throws ORCH_CONFIG_INVALID for a wrong value, ORCH_CONFIG_UNTRUSTED
 * for a scope that may not hold the key, ORCH_TABLE_MISSING for `shared` without its table.
 */
export async function storeSetting(
  places: SettingPlaces,
  scope: SettingScope,
  entry: { readonly key: SettingKey; readonly value: string | readonly string[] },
): Promise<string> {
  const value = checkSetting(entry.key, entry.value, 'The given value')
  requireScope(entry.key, scope)
  if (scope === 'shared') {
    const { putStoredSetting } = await import('../database/repositories/setting-repository.ts')
    const database = await requireSharedTable(places)
    await database.announce((trx) => putStoredSetting(trx, { key: entry.key, value, at: places.clock.now() }))
    return database.address
  }
  const { writeFileSetting } = await import('./settings-writer.ts')
  const path = settingsFile(places, scope)
  writeFileSetting(path, entry.key, value)
  return path
}

/** Removes a setting from one scope. Returns where it was, or null where it was not set. */
export async function removeSetting(
  places: SettingPlaces,
  scope: SettingScope,
  key: SettingKey,
): Promise<string | null> {
  if (scope === 'shared') {
    const { removeStoredSetting } = await import('../database/repositories/setting-repository.ts')
    const database = await requireSharedTable(places)
    return (await database.announce((trx) => removeStoredSetting(trx, key))) ? database.address : null
  }
  const { removeFileSetting } = await import('./settings-writer.ts')
  const path = settingsFile(places, scope)
  return removeFileSetting(path, key) ? path : null
}

/** The file of a scope; it may not exist yet. */
export function settingsFile(places: Pick<SettingPlaces, 'paths' | 'projectFile'>, scope: 'user' | 'project'): string {
  if (scope === 'user') return join(places.paths.userConfigDir, 'config.yaml')
  return places.projectFile ?? join(places.paths.orchDir, 'config.yaml')
}

function requireScope(key: SettingKey, scope: SettingScope): void {
  const definition: SettingDefinition = settingDefinitions[key]
  if (definition.userOnly === true && scope !== 'user') {
    throw new OrchError(
      'ORCH_CONFIG_UNTRUSTED',
      `${key} is yours alone: a project or a shared database may not set it`,
      {
        hint: `orch config set --user ${key} ...`,
      },
    )
  }
  if (key === 'database' && scope === 'shared') {
    throw new OrchError('ORCH_USAGE', 'A database cannot say where it is', {
      hint: 'orch config set --project database <address>',
    })
  }
}

async function requireSharedTable(places: SettingPlaces): Promise<Database> {
  const tables = await places.tables()
  await tables.require(['orchestrator_config'], 'config set --shared')
  if (await places.databaseIsTrusted()) return places.database()
  const { address } = await places.database()
  throw new OrchError('ORCH_CONFIG_UNTRUSTED', `${address} is not trusted on this machine: its settings do not count`, {
    hint: 'Look at what it holds, then run `orch db trust`',
  })
}
