import * as z from 'zod'
import { usageGroupings } from '../../domain/usage.ts'
import { documentSchema, money, time } from './values.ts'

const count = z.int().nonnegative()

const sums = {
  requests: count.describe('Requests sent to real models'),
  tokens: z.strictObject({
    input: count.describe('Cached and written ones included'),
    cachedInput: count,
    cacheWrite: count,
    output: count.describe('Reasoning included'),
    reasoning: count,
    uncountedRequests: count.describe('Requests whose provider counted no tokens'),
  }),
  cost: z.strictObject({
    known: money.nullable(),
    pricedRequests: count,
    atMost: money.nullable().describe('Upper bound of the requests whose cost is unknown but bounded'),
    boundedRequests: count,
    unknownRequests: count.describe('Requests of which neither cost nor bound is known'),
  }),
  simulated: z.strictObject({ requests: count, tokens: count }).describe('Rehearsals; in none of the other sums'),
}

const key = z.string().nullable().describe('Null: outside any')

export const schemas = {
  usage: documentSchema(
    'usage',
    z.strictObject({
      by: z.enum(usageGroupings),
      since: time.nullable(),
      rows: z.array(
        z.strictObject({
          project: key.optional(),
          role: key.optional(),
          model: key.optional(),
          provider: key.optional(),
          day: key.optional(),
          ...sums,
        }),
      ),
      total: z.strictObject(sums),
    }),
  ),
}
