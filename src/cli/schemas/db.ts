import * as z from 'zod'
import { documentSchema, time } from './values.ts'

const outcome = z.enum(['applied', 'adopted'])
const database = z.string().describe('Its address, without a password')

const lockHolder = z
  .string()
  .nullable()
  .describe('Who migrates at this moment; null where nobody does or nobody can tell')

const backupTag = {
  path: z.string(),
  bytes: z.int(),
  takenAt: time,
  version: z.string().describe('The orch that last migrated what is in it'),
  migration: z.string().describe('Number of the last migration in it'),
  reason: z.enum(['manual', 'before-migrate', 'before-restore']),
}
const backup = z.strictObject({
  ...backupTag,
  tables: z.array(z.strictObject({ name: z.string(), rows: z.int() })),
  leftOut: z.array(z.string()).describe("In orch's schema and not orch's own"),
  durationMs: z.int(),
})
const backups = z.strictObject({
  database,
  directory: z.string(),
  keep: z.int().describe('How many of each reason are kept'),
  backups: z.array(z.strictObject(backupTag)),
})

const migrated = z.strictObject({
  dryRun: z.literal(false),
  database,
  created: z.boolean(),
  backup: backup.nullable().describe('What was saved first; null where nothing could be lost'),
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
const engine = z.enum(['sqlite', 'postgres'])
const validation = z.enum(['executed', 'compiled'])
const place = {
  file: z.string().nullable().describe('In the repository, where it is known'),
  line: z.int().nullable(),
}
const planned = z.strictObject({
  dryRun: z.literal(true),
  database,
  exists: z.boolean(),
  engine,
  lockHolder,
  exitCode: z.int().describe('That of the most severe finding'),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      table: z.string(),
      reason: z.string(),
      outcome,
      creates: z.array(z.string()),
      statements: z.array(z.string()).describe('Exactly what would be sent to this database'),
      sql: z.partialRecord(engine, z.array(z.string())).describe('The same for each engine of --sql'),
      ...place,
    }),
  ),
  remaining: z.int(),
  problems: z.array(z.string()),
  findings: z.array(
    z.strictObject({
      kind: z.enum([
        'refused',
        'faulty',
        'undeclared',
        'edited',
        'conflict',
        'invalid_index',
        'newer',
        'unknown',
        'missing',
        'pending',
      ]),
      subject: z.string().describe('The migration or the object'),
      migration: z.string().nullable(),
      message: z.string(),
      next: z.string(),
      engines: z.array(engine),
      statement: z.string().nullable(),
      level: z.enum(['error', 'note']),
      exitCode: z.int().describe('What this finding alone would make the exit code; a note only with --exit-code'),
      ...place,
    }),
  ),
  validation: validation.describe('Whether the statements were executed on a clone of this database'),
  validations: z.partialRecord(engine, validation),
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
const restored = z.strictObject({
  database,
  from: z.string(),
  takenAt: time.nullable().describe('Null where the name of the backup does not say it'),
  safety: backup.nullable().describe('What was there before; null where nothing was, or nothing that can be read'),
  aside: z.string().nullable().describe('Where what was there before still is, as it was: a damaged file, or a schema'),
  migrations: z.array(z.string()),
  tables: z.array(z.strictObject({ name: z.string(), rows: z.int() })),
})
const trust = z.union([
  z.strictObject({ trusted: z.array(z.string()) }),
  z.strictObject({ database, trusted: z.literal(true), changed: z.boolean() }),
])

const adoptedTable = z.strictObject({
  table: z.string(),
  foundAs: z.string().nullable(),
  standing: z.enum(['compatible', 'partial', 'case_variant', 'conflict', 'absent']),
  into: z.string(),
  problem: z.string().nullable(),
  differences: z.array(
    z.strictObject({ column: z.string(), expected: z.string(), found: z.string().nullable(), blocks: z.boolean() }),
  ),
  unreadable: z.array(z.string()),
})
const adoptedRows = z.strictObject({
  table: z.string(),
  into: z.string(),
  read: z.int(),
  imported: z.int(),
  alreadyThere: z.int(),
  skipped: z.int(),
  skippedRows: z.array(z.strictObject({ row: z.string(), reason: z.string() })),
  notes: z.array(z.string()),
})
const adopted = z.strictObject({
  dryRun: z.boolean(),
  database,
  fromSchema: z.string(),
  schema: z.string(),
  tables: z.array(adoptedTable),
  payloadTables: z.array(
    z.strictObject({ name: z.string(), provider: z.string(), model: z.string(), payload: z.string() }),
  ),
  unfitPayloadTables: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
  ledgers: z.array(z.strictObject({ tool: z.string(), schema: z.string(), name: z.string() })),
  problems: z.array(z.string()),
  missingRights: z.array(z.string()),
  objects: z.array(z.strictObject({ name: z.string(), table: z.string(), outcome, creates: z.array(z.string()) })),
  backup: z.string().nullable().describe('Where what orch had before was saved'),
  imports: z.array(adoptedRows).nullable(),
  keys: z.array(
    z.strictObject({
      provider: z.string(),
      label: z.string(),
      keyStoredThere: z.boolean().nullable().describe('Null where the role may not ask'),
      command: z.string(),
    }),
  ),
  grants: z.string(),
  exclusions: z.array(z.strictObject({ tool: z.string(), detected: z.boolean(), file: z.string(), text: z.string() })),
})
const transferBase = {
  from: z.string().describe('Address of the source, without a password'),
  to: z.string().describe('Address of the target, without a password'),
  targetExists: z.boolean().describe('Whether the file or schema was there before'),
  migrations: z.int(),
  missing: z.array(z.string()).describe('Tables that the source lacks'),
  leftBehind: z.array(z.string()).describe('Columns that are not of orch'),
}
const transfer = z.union([
  z.strictObject({
    dryRun: z.literal(true),
    ...transferBase,
    tables: z.array(z.strictObject({ name: z.string(), rows: z.int() })),
    obstacles: z.array(z.strictObject({ message: z.string(), hint: z.string() })),
    refused: z.array(
      z.strictObject({
        table: z.string(),
        key: z.record(z.string(), z.string().nullable()),
        column: z.string(),
        reason: z.string(),
      }),
    ),
  }),
  z.strictObject({
    dryRun: z.literal(false),
    ...transferBase,
    tables: z.array(z.strictObject({ name: z.string(), rows: z.int(), hash: z.string() })),
    trusted: z.boolean(),
    next: z.string().describe('The command that points orch at the target'),
  }),
])

export const schemas = {
  'db.adopt': documentSchema('db.adopt', adopted),
  'db.migrate': documentSchema('db.migrate', z.union([migrated, planned])),
  'db.backup': documentSchema('db.backup', z.union([backup.extend({ database }), backups])),
  'db.check': documentSchema('db.check', check),
  'db.restore': documentSchema('db.restore', restored),
  'db.status': documentSchema('db.status', status),
  'db.transfer': documentSchema('db.transfer', transfer),
  'db.trust': documentSchema('db.trust', trust),
}
