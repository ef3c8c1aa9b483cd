import * as z from 'zod'
import { jobHolds, jobStates } from '../../domain/job-state.ts'
import { startReasonNames } from '../../scheduling/forecast-run.ts'
import { schedulerStates } from '../../scheduling/list-schedulers.ts'
import { documentSchema, eventSchema, money, time } from './values.ts'

const state = z.enum(jobStates)
const job = z.strictObject({
  id: z.string(),
  name: z.string().describe('<project>/<key>'),
  project: z.string(),
  key: z.string(),
  title: z.string(),
  state,
  hold: z.enum(jobHolds).nullable(),
  role: z.string().nullable(),
  executor: z.string(),
  try: z.int(),
  maxTries: z.int(),
  attempt: z.int().describe('Number of the latest attempt; 0 before the first'),
  rehearsed: z.boolean(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
})
const usage = z.strictObject({
  model: z.string().nullable(),
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cost: money.nullable().describe('Null while any call has no known cost'),
  simulatedCalls: z.int(),
})
const reason = z.strictObject({
  name: z.string(),
  short: z.string(),
  text: z.string(),
  unblock: z.string(),
  until: time.nullable(),
})
const neighbour = z.strictObject({ id: z.string(), key: z.string(), state })
const attempt = z.strictObject({
  number: z.int(),
  try: z.int(),
  scheduler: z.string(),
  startedAt: time,
  endedAt: time.nullable(),
  outcome: z.string().nullable(),
  error: z.unknown(),
  evidence: z.array(z.unknown()),
})
const description = z.strictObject({
  ...job.shape,
  headline: z.string(),
  reasons: z.array(reason),
  description: z.string(),
  plan: z.record(z.string(), z.unknown()),
  result: z.unknown(),
  error: z.unknown(),
  skippedBecause: z.string().nullable(),
  dependsOn: z.array(neighbour),
  neededBy: z.array(neighbour),
  attempts: z.array(attempt),
  journal: z.array(
    z.strictObject({ try: z.int(), kind: z.string(), name: z.string(), status: z.string(), errands: z.int() }),
  ),
  errands: z
    .array(
      z.strictObject({
        id: z.string(),
        try: z.int(),
        ordinal: z.int(),
        taskOrdinal: z.int(),
        kind: z.string(),
        name: z.string(),
        status: z.string(),
        attempt: z.int().describe('That made it: one of an earlier try where the errand was kept'),
      }),
    )
    .describe('Of the latest try that has any, in order'),
  usage,
})
const kept = z.strictObject({
  fromTry: z.int(),
  errands: z.int(),
  calls: z.int().nullable().describe('Null where usage is not stored'),
  tokens: z.int().nullable(),
  cost: money.nullable().describe('Null while any call has no known cost'),
  files: z.array(
    z.strictObject({
      path: z.string(),
      ordinal: z.int(),
      state: z.enum(['same', 'changed', 'missing', 'unknown']).describe('Compared with what the errand left'),
    }),
  ),
})
const forecast = z.strictObject({
  concurrency: z.int().describe('Jobs the run would have going at once'),
  makespanMs: z.number().describe('Until the last job ends, with usual durations and if all succeed'),
  running: z.array(job).describe('What runs already, wherever'),
  starts: z.array(
    z.strictObject({
      ...job.shape,
      afterMs: z.number(),
      at: time,
      reason: z.strictObject({ name: z.enum(startReasonNames), text: z.string() }),
      waits: z.array(reason).describe('What it waits for until then'),
    }),
  ),
  stuck: z.array(z.strictObject({ ...job.shape, waits: z.array(reason) })).describe('Jobs that would not start'),
})
const scheduler = z.strictObject({
  id: z.string(),
  state: z.enum(schedulerStates),
  host: z.string().nullable().describe('Null, as what follows, where its row is missing'),
  pid: z.int().nullable(),
  version: z.string().nullable(),
  concurrency: z.int().nullable().describe('Jobs it runs at once'),
  startedAt: time.nullable(),
  heartbeatAt: time.nullable(),
  stoppedAt: time.nullable(),
  jobs: z.array(z.string()).describe('<project>/<key> of each job it runs'),
})
const historyEvent = z.strictObject({
  id: z.string(),
  job: z.string().nullable(),
  jobId: z.string().nullable(),
  attempt: z.int().nullable(),
  event: z.string(),
  data: z.record(z.string(), z.unknown()),
  at: time,
})
const runEvent = z.looseObject({ event: z.string(), at: time, rehearsal: z.boolean() })

export const schemas = {
  'jobs.run': eventSchema('jobs.run', runEvent),
  'jobs.list': documentSchema(
    'jobs.list',
    z.array(z.strictObject({ ...job.shape, waitsFor: reason.nullable(), ...usage.shape })),
  ),
  'jobs.forecast': documentSchema('jobs.forecast', forecast).describe('jobs run --dry-run'),
  'jobs.schedulers': documentSchema('jobs.schedulers', z.array(scheduler)).describe('jobs list --schedulers'),
  'jobs.show': documentSchema('jobs.show', description.nullable()),
  'jobs.why': documentSchema(
    'jobs.why',
    z.strictObject({ ...job.shape, headline: z.string(), reasons: z.array(reason) }).nullable(),
  ),
  'jobs.logs': eventSchema('jobs.logs', historyEvent),
  'jobs.watch': eventSchema('jobs.watch', historyEvent),
  'jobs.retry': documentSchema(
    'jobs.retry',
    z.array(
      z.strictObject({
        id: z.string(),
        state,
        skippedBecause: z.string().nullable(),
        kept: kept.nullable().describe('What the new try keeps, with --from or --continue'),
      }),
    ),
  ),
  'jobs.cancel': documentSchema('jobs.cancel', z.strictObject({ ...job.shape, skipped: z.array(z.string()) })),
  'jobs.hold': documentSchema('jobs.hold', job),
  'jobs.release': documentSchema('jobs.release', job),
}
