import * as z from 'zod'
import { errorClasses, type ErrorClass } from '../../domain/error-class.ts'
import { providerKinds } from '../../providers/provider.ts'
import { documentSchema, money, time } from './values.ts'

const limit = z.int().nullable()
const origin = z.enum(['database', 'environment', 'detected', 'built-in'])
const provider = z.strictObject({
  id: z.string(),
  label: z.string(),
  kind: z.enum(providerKinds),
  baseUrl: z.string(),
  credential: z.string().nullable().describe('Name of a credential, never a key'),
  requestsPerMinute: limit,
  tokensPerMinute: limit,
  maxConcurrency: limit,
  enabled: z.boolean(),
  origin,
  local: z.boolean(),
  keySource: z.string().nullable(),
  problem: z.string().nullable().describe('Why it cannot be called; null if nothing is known'),
  cooldownUntil: time.nullable(),
  cooldownReason: z.string().nullable(),
})
const health = z.strictObject({
  modelId: z.string().nullable().describe('Null for the provider as a whole'),
  state: z.enum(['closed', 'open', 'half_open']),
  errorClass: z.enum(Object.keys(errorClasses) as [ErrorClass]).nullable(),
  reason: z.string().nullable(),
  cooldownUntil: time.nullable(),
  failures: z.int(),
})
const found = z.strictObject({
  id: z.string(),
  label: z.string(),
  kind: z.enum(providerKinds),
  baseUrl: z.string(),
  origin,
  local: z.boolean(),
  models: z.array(z.string()),
  problem: z.string().nullable(),
})
const test = z.strictObject({
  id: z.string(),
  ok: z.literal(true),
  simulated: z.boolean(),
  modelCount: z.int(),
  listLatencyMs: z.int(),
  modelId: z.string(),
  latencyMs: z.int(),
  inputTokens: z.int().nullable(),
  outputTokens: z.int().nullable(),
  cost: money.nullable(),
})
const key = z.strictObject({
  id: z.string(),
  credential: z.string().nullable(),
  source: z.enum(['environment', 'command', 'keychain', 'file']).nullable(),
  origin: z.string().nullable().describe('The only place the key is sent to'),
})

export const schemas = {
  'providers.list': documentSchema('providers.list', z.array(provider)),
  'providers.show': documentSchema('providers.show', provider.extend({ health: z.array(health) })),
  'providers.add': documentSchema('providers.add', provider),
  'providers.edit': documentSchema('providers.edit', provider),
  'providers.enable': documentSchema('providers.enable', provider),
  'providers.disable': documentSchema('providers.disable', provider),
  'providers.remove': documentSchema('providers.remove', z.strictObject({ id: z.string(), keyForgotten: z.boolean() })),
  'providers.detect': documentSchema('providers.detect', z.array(found)),
  'providers.test': documentSchema('providers.test', test),
  'providers.key': documentSchema('providers.key', key),
}
