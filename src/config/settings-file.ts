import { existsSync, readFileSync } from 'node:fs'
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import { closestWord } from '../domain/closest-word.ts'
import { isSettingKey, settingDefinitions, settingKeys, type SettingDefinition, type SettingKey } from './setting.ts'
import { checkSetting, type RawSetting } from './setting-value.ts'

const largestFileBytes = 256 * 1024

/** What a configuration file says: setting keys to checked values. */
export type FileSettings = ReadonlyMap<SettingKey, RawSetting>

/**
 * Reads a YAML configuration file; a missing file is empty. `owner` decides what it may say: a project's
 * own file may not set what only its user may grant. Throws ORCH_CONFIG_INVALID or ORCH_CONFIG_UNTRUSTED.
 */
export async function readSettingsFile(path: string, owner: 'user' | 'project'): Promise<FileSettings> {
  if (!existsSync(path)) return new Map()
  const text = readText(path)
  // Every call reads this file: one that says nothing yet must not cost the parser.
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return new Map()
  const { parseSettingsYaml } = await import('./settings-yaml.ts')
  const parsed = parseSettingsYaml(text)
  if ('fault' in parsed) throw invalid(path, parsed.fault)
  const { root } = parsed
  if (root === null || root === undefined) return new Map()
  if (typeof root !== 'object' || Array.isArray(root)) throw invalid(path, 'expected keys and values at the top')
  const settings = new Map<SettingKey, RawSetting>()
  for (const [key, value] of flatten(root)) settings.set(...readSetting({ path, key, value, owner }))
  return settings
}

function readText(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= largestFileBytes) return text
  } catch (error) {
    throw invalid(path, errorMessage(error))
  }
  throw invalid(path, `larger than ${largestFileBytes} bytes`)
}

/** `{limits: {turns: 3}}` and `{'limits.turns': 3}` mean the same. */
function* flatten(value: object, prefix = ''): Generator<[string, unknown]> {
  for (const [name, inner] of Object.entries(value)) {
    const key = `${prefix}${name}`
    const isMap = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    if (isMap && !(isSettingKey(key) && settingDefinitions[key].type === 'counts')) yield* flatten(inner, `${key}.`)
    else yield [key, inner]
  }
}

interface Entry {
  readonly path: string
  readonly key: string
  readonly value: unknown
  readonly owner: 'user' | 'project'
}

function readSetting({ path, key, value, owner }: Entry): [SettingKey, RawSetting] {
  if (!isSettingKey(key)) {
    const known = closestWord(key, settingKeys)
    throw invalid(path, `unknown setting "${key}"`, known === null ? undefined : `Did you mean ${known}?`)
  }
  const definition: SettingDefinition = settingDefinitions[key]
  if (owner === 'project' && definition.userOnly === true) {
    throw new OrchError('ORCH_CONFIG_UNTRUSTED', `${path}: a project's own file may not set ${key}`, {
      hint: `If you mean it, set it for yourself: orch config set --user ${key} <value>`,
    })
  }
  return [key, checkSetting(key, value, path)]
}

function invalid(path: string, what: string, hint?: string): OrchError {
  return new OrchError('ORCH_CONFIG_INVALID', `${path}: ${what}`, {
    hint: hint ?? 'Mend the file, or move it away to start from defaults',
  })
}
