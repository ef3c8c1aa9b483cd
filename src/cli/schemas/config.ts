import * as z from 'zod'
import { settingScopes } from '../../config/change-setting.ts'
import { settingKeys } from '../../config/setting.ts'
import { settingSources } from '../../config/settings.ts'
import { documentSchema, settingValue } from './values.ts'

const setting = z.strictObject({
  key: z.enum(settingKeys as [string, ...string[]]),
  value: settingValue,
  source: z.enum(settingSources),
})
const change = z.strictObject({
  ...setting.shape,
  scope: z.enum(settingScopes),
  place: z.string().nullable().describe('The file or database that changed; null where nothing did'),
})

export const schemas = {
  'config.list': documentSchema(
    'config.list',
    z.array(z.strictObject({ ...setting.shape, default: settingValue, environment: z.string(), means: z.string() })),
  ),
  'config.get': documentSchema('config.get', setting),
  'config.set': documentSchema('config.set', change),
  'config.unset': documentSchema('config.unset', change),
}
