import * as z from 'zod'
import type { Settings } from '../../../config/settings.ts'
import { parseDuration } from '../../../planning/duration.ts'
import type { RunOptions } from '../../../scheduling/scheduler-run.ts'
import { parseOptions } from '../../command.ts'

/** Zero is no duration of a plan, but it is a fine wait. */
function milliseconds(text: string, unit: string): number | null {
  if (/^0+\s*(ms|s|m|h)?$/.test(text.trim())) return 0
  return parseDuration(/^\d+$/.test(text) ? `${text}${unit}` : text)
}

const duration = z
  .string()
  .transform((text) => milliseconds(text, 's'))
  .refine((ms): ms is number => ms !== null, { message: 'expected a duration such as 90s, 10m or 2h' })

const whole = (smallest: number) =>
  z.coerce.number({ message: 'expected a number' }).int({ message: 'expected a whole number' }).min(smallest)

const schema = z.object({
  concurrency: whole(1).max(1000).optional(),
  project: z.string().optional(),
  untilIdle: z.boolean().default(false),
  maxWait: duration.optional(),
  grace: duration.optional(),
  dryRun: z.boolean().default(false),
  allowUnpriced: z.boolean().default(false),
  rehearse: z.boolean().default(false),
  seed: whole(0).default(1),
  latency: z
    .string()
    .transform((text) => milliseconds(text, 'ms'))
    .refine((ms): ms is number => ms !== null, { message: 'expected a duration such as 50ms' })
    .optional(),
  failureRate: z.coerce.number({ message: 'expected a number' }).min(0).max(1).default(0),
  keep: z.boolean().default(false),
})

export type ParsedRunOptions = z.output<typeof schema>

/** What the flags of `jobs run` say. Throws ORCH_USAGE. */
export function parseRunOptions(options: Readonly<Record<string, unknown>>): ParsedRunOptions {
  return parseOptions(schema as z.ZodType<ParsedRunOptions>, options)
}

const defaultMaxWaitMs = 15 * 60_000

/** How long a run that ends by itself waits for what it may start. */
export function maxWaitMsOf({ maxWait }: Pick<ParsedRunOptions, 'maxWait'>): number {
  return maxWait ?? defaultMaxWaitMs
}

/** Flags over settings. A rehearsal always ends: nobody waits on a scratch copy. */
export function toRunOptions(
  parsed: ParsedRunOptions,
  settings: Settings,
  facts: { readonly version: string; readonly databaseTrusted: boolean },
): RunOptions {
  return {
    concurrency: parsed.concurrency ?? settings.get('limits.concurrency'),
    projectSlug: parsed.project ?? null,
    leaseMs: settings.get('limits.lease_ms'),
    untilIdle: parsed.untilIdle || parsed.rehearse,
    maxWaitMs: maxWaitMsOf(parsed),
    graceMs: parsed.grace ?? null,
    ...facts,
  }
}
