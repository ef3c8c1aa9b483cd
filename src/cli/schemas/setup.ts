import * as z from 'zod'
import { settingSources } from '../../config/settings.ts'
import { findingSections } from '../../doctor/finding.ts'
import { documentSchema, eventSchema, settingValue, spread } from './values.ts'

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

const proof = z.strictObject({
  engine: z.string(),
  jobs: z.number(),
  kills: z.number(),
  lost: z.number().describe('Jobs not completed at the end'),
  completedTwice: z.number(),
  paidTwice: z.number().describe('Committed calls that were bought again'),
  askedAgain: z.number().describe('Calls in flight at a kill, asked once more'),
  unexplained: z.number().describe('Jobs with more repeated calls than interruptions'),
  quarantined: z.number().describe('Jobs put aside by three interruptions in a row and let go on'),
  fsyncMs: spread,
  commitMs: spread,
  claimsPerSecond: z.number(),
  durationMs: z.number(),
  leftovers: z.array(z.string()).describe('Scratch areas of killed proofs; removed'),
  held: z.boolean().describe('Nothing lost, nothing twice'),
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
  'doctor.prove': documentSchema('doctor.prove', proof),
}
