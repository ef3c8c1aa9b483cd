import * as z from 'zod'
import { modelNeeds } from '../../domain/plan.ts'
import { specSources } from '../../models/model.ts'
import { documentSchema, time } from './values.ts'

const rates = {
  inputUsdPerMillion: z.number(),
  outputUsdPerMillion: z.number(),
  cachedInputUsdPerMillion: z.number().nullable(),
  cacheWriteUsdPerMillion: z.number().nullable(),
  reasoningUsdPerMillion: z.number().nullable().optional(),
}
const price = z.strictObject({
  ...rates,
  tiers: z.array(z.strictObject({ aboveInputTokens: z.int(), ...rates })).optional(),
  perCallUsd: z.number().optional(),
  priceSource: z.string(),
  priceVersion: z.string(),
})

function sourced(value: z.ZodType) {
  return z.strictObject({ value, source: z.enum(specSources), confidence: z.number().min(0).max(1), at: time })
}

const tokens = sourced(z.int()).nullable().describe('Null: unknown')
const model = {
  name: z.string().describe('provider/model'),
  provider: z.string(),
  modelId: z.string(),
  lifecycle: z.enum(['active', 'vanished', 'disabled']),
  stored: z.boolean().describe('False: from the list of this moment'),
  firstSeenAt: time.nullable(),
  lastSeenAt: time.nullable(),
  specs: z.strictObject({
    contextTokens: tokens,
    maxOutputTokens: tokens,
    price: sourced(price).nullable(),
    capabilities: z.partialRecord(z.enum(modelNeeds), sourced(z.boolean())),
  }),
}

const value = z.union([z.number(), z.boolean(), price])
const observation = z.strictObject({ field: z.string(), ...sourced(value).shape })
const rejection = z.strictObject({
  field: z.string(),
  source: z.enum(specSources),
  value,
  reason: z.string(),
  at: time,
})
const names = z.array(z.string())
const ranked = z.strictObject({ model: z.string(), reason: z.string() })

export const schemas = {
  'models.list': documentSchema('models.list', z.array(z.strictObject(model))),
  'models.show': documentSchema(
    'models.show',
    z.strictObject({
      ...model,
      aiData: z.strictObject({ observations: z.array(observation), rejections: z.array(rejection) }),
      providerData: z.unknown().describe('As the provider sent it'),
    }),
  ),
  'models.sync': documentSchema(
    'models.sync',
    z.strictObject({
      providers: z.array(
        z.strictObject({
          provider: z.string(),
          stored: z.boolean(),
          listed: z.int(),
          added: names,
          returned: names,
          vanished: names,
        }),
      ),
      failed: z.array(z.strictObject({ provider: z.string(), message: z.string() })),
    }),
  ),
  'models.doctor': documentSchema(
    'models.doctor',
    z.strictObject({
      examined: z.int(),
      healable: z.int(),
      healed: z.int(),
      findings: z.array(
        z.strictObject({
          model: z.string(),
          field: z.string(),
          problem: z.enum(['missing', 'contradictory', 'stale']),
          reason: z.string(),
          before: sourced(value).nullable(),
          after: sourced(value).nullable(),
        }),
      ),
    }),
  ),
  'models.pick': documentSchema(
    'models.pick',
    z.strictObject({
      role: z.string(),
      chosen: ranked.nullable(),
      fallbacks: z.array(ranked),
      excluded: z.array(z.strictObject({ name: z.string(), reason: z.string(), until: time.nullable() })),
    }),
  ),
  'models.pin': documentSchema('models.pin', z.strictObject({ role: z.string(), modelPin: z.string().nullable() })),
}
