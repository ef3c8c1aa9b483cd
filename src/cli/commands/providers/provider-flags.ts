/** The flags that `providers add` and `providers edit` share. */
import type { Command } from 'commander'
import type { ProviderChanges } from '../../../providers/edit-provider.ts'
import { parseOptions } from '../../command.ts'

/** Declares them. */
export function declareProviderFlags(command: Command): void {
  command
    .option('--label <text>', 'name for people')
    .option('--base-url <url>', 'address of the API')
    .option('--credential <name>', 'credential to use, by its name; `none` for none')
    .option('--requests-per-minute <n>', 'limit of the account; 0 for none')
    .option('--tokens-per-minute <n>', 'limit of the account; 0 for none')
    .option('--max-concurrency <n>', 'calls in flight at most; 0 for no own limit')
}

/** The changes they ask for. Throws ORCH_USAGE that names the flag. */
export async function parseProviderFlags(options: Readonly<Record<string, unknown>>): Promise<ProviderChanges> {
  const z = await import('zod')
  const limit = z.coerce
    .number({ error: 'expected a whole number' })
    .int('expected a whole number')
    .min(0, 'expected 0 or more')
    .transform((value) => (value === 0 ? null : value))
    .optional()
  const schema = z.object({
    label: z.string().min(1, 'expected a name').max(200, 'expected at most 200 characters').optional(),
    baseUrl: z.string().optional(),
    credential: z
      .string()
      .transform((name) => (name === 'none' ? null : name))
      .optional(),
    requestsPerMinute: limit,
    tokensPerMinute: limit,
    maxConcurrency: limit,
  })
  return parseOptions(schema, options)
}
