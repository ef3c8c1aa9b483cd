import * as z from 'zod'
import { modelNeeds } from '../../../domain/plan.ts'
import type { ModelFilter } from '../../../models/model-registry.ts'
import { parseOptions } from '../../command.ts'

const amount = (expected: string) =>
  z.coerce.number({ error: `expected ${expected}` }).nonnegative(`expected ${expected}`)

const flags = z.object({
  provider: z.string().optional(),
  capability: z.enum(modelNeeds, { error: `expected one of ${modelNeeds.join(', ')}` }).optional(),
  maxPrice: amount('dollars per million tokens').optional(),
  minContext: amount('a number of tokens').optional(),
})

/** The filter that the flags of `models list` and `models doctor` describe. Throws ORCH_USAGE. */
export function readModelFilter(options: Readonly<Record<string, unknown>>): ModelFilter {
  const { provider, capability, maxPrice, minContext } = parseOptions(flags, options)
  return {
    ...(provider !== undefined && { providerId: provider }),
    ...(capability !== undefined && { capability }),
    ...(maxPrice !== undefined && { maxOutputUsdPerMillion: maxPrice }),
    ...(minContext !== undefined && { minimumContextTokens: minContext }),
  }
}
