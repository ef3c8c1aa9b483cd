import * as z from 'zod'

/** A moment: ISO 8601 in UTC. */
export const time = z.iso.datetime().describe('ISO 8601, UTC')

/** Money: integer micro-dollars. Null is unknown, never zero. */
export const money = z.strictObject({ microUsd: z.int().describe('1000000 is one US dollar') })

/** A value of a setting. */
export const settingValue = z.union([z.string(), z.number(), z.array(z.string()), z.null()])

/** What `--json` prints for a command that ends: one document. */
export function documentSchema(kind: string, data: z.ZodType) {
  return z.strictObject({
    kind: z.literal(kind),
    version: z.literal(1),
    data,
    warnings: z.array(z.strictObject({ message: z.string(), hint: z.string().optional() })),
  })
}

/** What `--json` prints for each event of a stream: one line. */
export function eventSchema(kind: string, data: z.ZodType) {
  return z.strictObject({ kind: z.literal(kind), version: z.literal(1), data })
}

/** How long something took when it was repeated. */
export const spread = z
  .strictObject({ samples: z.int(), p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() })
  .describe('Milliseconds')
