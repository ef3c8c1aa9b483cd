import * as z from 'zod'
import { documentSchema, spread } from './values.ts'

const bench = z.strictObject({
  engine: z.string(),
  area: z.string().describe('Directory or schema it worked in; gone again'),
  jobs: z.int(),
  concurrency: z.int(),
  seed: z.int(),
  jobsPerSecond: z.number(),
  claimMs: spread.describe('The end of one job and the claim of the next, one at a time'),
  startMs: spread.describe('From the commit of a job until an idle scheduler starts it'),
  commitMs: spread.describe('One small durable commit'),
  questionMs: spread.describe('One read'),
  fsyncMs: spread
    .nullable()
    .describe("A page written and flushed beside the file; null where the disk is the server's"),
  limitedBy: z.strictObject({ throughput: z.string(), claim: z.string(), start: z.string() }),
  removedLeftovers: z.array(z.string()),
  otherAreas: z.array(z.string()),
})

export const schemas = { bench: documentSchema('bench', bench) }
