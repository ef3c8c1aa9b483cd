import * as z from 'zod'
import { documentSchema, time } from './values.ts'

const outcome = z.enum(['applied', 'adopted'])
const database = z.string().describe('Its address, without a password')

const lockHolder = z
  .string()
  .nullable()
  .describe('Who migrates at this moment; null where nobody does or nobody can tell')

const migrated = z.strictObject({
  dryRun: z.literal(false),
  database,
  created: z.boolean(),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      table: z.string(),
      outcome,
      durationMs: z.number(),
      statements: z.array(z.string()),
    }),
  ),
  remaining: z.int(),
})
const planned = z.strictObject({
  dryRun: z.literal(true),
  database,
  exists: z.boolean(),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      table: z.string(),
      reason: z.string(),
      outcome,
      creates: z.array(z.string()),
      statements: z.array(z.string()),
    }),
  ),
  remaining: z.int(),
  problems: z.array(z.string()),
  validation: z.enum(['executed', 'compiled']),
})
const status = z.strictObject({
  database,
  exists: z.boolean(),
  ledgerProblems: z.array(z.string()),
  lockHolder,
  migrations: z.array(
    z.strictObject({
      name: z.string(),
      table: z.string(),
      state: z.enum(['applied', 'adopted', 'pending', 'missing', 'drifted', 'unknown']),
      notes: z.array(z.string()),
      appliedAt: time.nullable(),
      toolVersion: z.string().nullable(),
    }),
  ),
})
const check = z.strictObject({
  database,
  exists: z.boolean(),
  findings: z.array(
    z.strictObject({
      kind: z.enum([
        'pending',
        'missing',
        'edited',
        'conflict',
        'invalid_index',
        'newer',
        'unknown',
        'orphans',
        'damaged',
      ]),
      subject: z.string().describe('The migration or the object'),
      message: z.string(),
      next: z.string(),
      count: z.int().describe('Rows or objects'),
      exitCode: z.int().describe('What this finding alone would make the exit code'),
    }),
  ),
  relationsChecked: z.int(),
  lockHolder,
  exitCode: z.int().describe('That of the most severe finding'),
})
const trust = z.union([
  z.strictObject({ trusted: z.array(z.string()) }),
  z.strictObject({ database, trusted: z.literal(true), changed: z.boolean() }),
])

export const schemas = {
  'db.migrate': documentSchema('db.migrate', z.union([migrated, planned])),
  'db.check': documentSchema('db.check', check),
  'db.status': documentSchema('db.status', status),
  'db.trust': documentSchema('db.trust', trust),
}
