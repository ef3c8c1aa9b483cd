import * as z from 'zod'
import { modelNeeds } from '../../../domain/plan.ts'
import { parseOptions } from '../../command.ts'

const flags = z.object({
  needs: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((need) => need.trim())
        .filter((need) => need !== ''),
    )
    .pipe(z.array(z.enum(modelNeeds, { error: `expected ${modelNeeds.join(', ')}` }))),
  minContext: z.coerce
    .number({ error: 'expected a number of tokens' })
    .nonnegative('expected a number of tokens')
    .default(0),
})

/** What `models pick` asks for besides the role. Throws ORCH_USAGE. */
export function readPickFlags(options: Readonly<Record<string, unknown>>) {
  const { needs, minContext } = parseOptions(flags, options)
  return { needs, minimumContextTokens: minContext }
}
