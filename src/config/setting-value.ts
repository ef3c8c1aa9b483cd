import { OrchError } from '../errors/orch-error.ts'
import { settingDefinitions, type SettingDefinition, type SettingKey } from './setting.ts'

export type RawSetting = string | number | readonly string[] | null

/**
 * Checks a value from a file, the environment or a flag against its definition; text is converted.
 * Throws ORCH_CONFIG_INVALID naming where it came from, what was expected and what was found.
 */
export function checkSetting(key: SettingKey, raw: unknown, from: string): RawSetting {
  const definition: SettingDefinition = settingDefinitions[key]
  const value = convert(definition, raw)
  if (value !== undefined) return value
  throw new OrchError(
    'ORCH_CONFIG_INVALID',
    `${from}: ${key} must be ${expectation(definition)}, found ${JSON.stringify(raw)}`,
    {
      hint: `Run \`orch config set ${key} <value>\` or mend the file`,
    },
  )
}

function convert(definition: SettingDefinition, raw: unknown): RawSetting | undefined {
  switch (definition.type) {
    case 'text':
      return typeof raw === 'string' && raw !== '' ? raw : undefined
    case 'choice':
      return typeof raw === 'string' && definition.choices?.includes(raw) === true ? raw : undefined
    case 'integer':
    case 'number':
      return convertNumber(definition, raw)
    case 'list':
      return convertList(raw)
    case 'counts':
      return convertCounts(raw)
  }
}

function convertNumber(definition: SettingDefinition, raw: unknown): number | undefined {
  const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  if (definition.type === 'integer' && !Number.isInteger(value)) return undefined
  return value >= (definition.minimum ?? 0) ? value : undefined
}

function convertList(raw: unknown): readonly string[] | undefined {
  const list = typeof raw === 'string' ? raw.split('\n').filter((line) => line !== '') : raw
  if (!Array.isArray(list)) return undefined
  const texts = list.map((item: unknown) => (typeof item === 'string' ? item : JSON.stringify(item)))
  return texts.every((text) => text !== undefined) ? texts : undefined
}

/** `engineer=2`; a file may say `engineer: 2` instead. A model's name may hold `=`, so the last one divides. */
function convertCounts(raw: unknown): readonly string[] | undefined {
  const isMap = typeof raw === 'object' && raw !== null && !Array.isArray(raw)
  const list = isMap ? Object.entries(raw).map(([name, count]) => `${name}=${count}`) : raw
  const entries = typeof list === 'string' ? list.split(/[\n,]/).map((entry) => entry.trim()) : convertList(list)
  const counts = entries?.filter((entry) => entry !== '')
  return counts?.every((entry) => /^.+=\d{1,6}$/.test(entry)) === true ? counts : undefined
}

/** What a setting of type `counts` says: names to whole numbers; the last entry of a name counts. */
export function parseCounts(entries: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    entries.map((entry) => {
      const divider = entry.lastIndexOf('=')
      return [entry.slice(0, divider), Number(entry.slice(divider + 1))]
    }),
  )
}

function expectation(definition: SettingDefinition): string {
  switch (definition.type) {
    case 'text':
      return 'text'
    case 'choice':
      return `one of ${definition.choices?.join(', ')}`
    case 'integer':
      return `a whole number of at least ${definition.minimum ?? 0}`
    case 'number':
      return `a number of at least ${definition.minimum ?? 0}`
    case 'list':
      return 'a list of texts'
    case 'counts':
      return 'a list of name=number'
  }
}
