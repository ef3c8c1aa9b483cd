import * as z from 'zod'
import { settingSources } from '../../config/settings.ts'
import { findingSections } from '../../doctor/finding.ts'
import { documentSchema, eventSchema, settingValue } from './values.ts'

const preparedFile = z.strictObject({ path: z.string(), change: z.enum(['created', 'extended', 'kept']) })

const initialized = z.strictObject({
  directory: z.string(),
  config: preparedFile,
  ignore: preparedFile,
  database: z.strictObject({ address: z.string(), created: z.boolean(), trusted: z.boolean() }),
  migrations: z.array(z.string()).describe('Applied by this call'),
  roles: z.array(z.string()).describe('Stored by this call'),
  providers: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.string(),
      baseUrl: z.string(),
      origin: z.enum(['database', 'environment', 'detected']),
    }),
  ),
})

const diagnosis = z.strictObject({
  findings: z.array(
    z.strictObject({
      section: z.enum(findingSections),
      state: z.enum(['ok', 'off', 'broken']),
      text: z.string(),
      next: z.string().nullable(),
      code: z.string().nullable().describe('The error a command would end with; only of what is broken'),
    }),
  ),
  settings: z.array(z.strictObject({ key: z.string(), value: settingValue, source: z.enum(settingSources) })),
  next: z.string().nullable(),
})

/** The last line of `orch quickstart --json`, after the events of its run. */
const sample = z.strictObject({
  project: z.string(),
  workspace: z.string(),
  files: z.array(z.strictObject({ path: z.string(), job: z.string() })),
  rehearsed: z.array(z.string()).describe('Keys of the jobs that a simulated model did'),
})

export const schemas = {
  quickstart: eventSchema('quickstart', sample),
  init: documentSchema('init', initialized),
  doctor: documentSchema('doctor', diagnosis),
}
