/** Models whose client is a script, and the dependencies of a paid call around them. */
import { vi } from 'vitest'
import { Capabilities } from '../../src/database/capabilities.ts'
import type { Database } from '../../src/database/connection.ts'
import type { CallDeps, HealthBook } from '../../src/calls/call-deps.ts'
import type { CallScope } from '../../src/calls/reservation.ts'
import type { ErrorClass } from '../../src/domain/error-class.ts'
import type { Model, Price } from '../../src/models/model.ts'
import {
  ProviderError,
  type ModelCall,
  type ModelReply,
  type ProviderErrorOptions,
  type TokenUsage,
} from '../../src/providers/model-client.ts'
import type { Provider } from '../../src/providers/provider.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { migrations } from '../../migrations/index.ts'
import { FakeClock } from './fake-clock.ts'

function aProvider(overrides: Partial<Provider> = {}): Provider {
  return {
    id: 'vendor',
    label: 'Vendor',
    kind: 'openai',
    baseUrl: 'https://vendor.example/v1',
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    origin: 'database',
    local: false,
    ...overrides,
  }
}

/** One dollar per million input tokens and two per million output tokens: 1 and 2 micro-dollars a token. */
export const roundPrice: Price = {
  inputUsdPerMillion: 1,
  outputUsdPerMillion: 2,
  cachedInputUsdPerMillion: null,
  cacheWriteUsdPerMillion: null,
  priceSource: 'test',
  priceVersion: '1',
}

export function aModel(
  overrides: Partial<Provider> & { modelId?: string; price?: Price | null; contextTokens?: number } = {},
): Model {
  const { modelId = 'small', price = roundPrice, contextTokens = 100_000, ...provider } = overrides
  const at = { source: 'operator', confidence: 1, at: 0 } as const
  const made = aProvider(provider)
  return {
    provider: made,
    modelId,
    lifecycle: 'active',
    name: `${made.id}/${modelId}`,
    specs: {
      capabilities: {},
      contextTokens: { value: contextTokens, ...at },
      ...(price === null ? {} : { price: { value: price, ...at } }),
    },
  }
}

export const someUsage: TokenUsage = {
  inputTokens: 100,
  cachedInputTokens: null,
  cacheWriteTokens: null,
  outputTokens: 10,
  reasoningTokens: null,
}

export function aReply(overrides: Partial<ModelReply> = {}): ModelReply {
  return { text: 'fine', toolCalls: [], finish: 'stop', usage: someUsage, latencyMs: 5, ...overrides }
}

export function aFailure(errorClass: ErrorClass, options: Partial<ProviderErrorOptions> = {}): ProviderError {
  return new ProviderError(`failed as ${errorClass}`, { providerId: 'vendor', ...options, errorClass })
}

export interface SentCall {
  readonly providerId: string
  readonly call: ModelCall
  readonly atMs: number
}

/** What the model answers to its n-th call (from 1): a reply, or an error to throw. */
export type Script = (
  call: ModelCall,
  turn: { readonly number: number; readonly providerId: string; readonly signal: AbortSignal },
) => ModelReply | Error | Promise<ModelReply | Error>

export interface ScriptedCalls extends CallDeps {
  readonly clock: FakeClock
  readonly sent: SentCall[]
  readonly warnings: string[]
}

/** Dependencies of `callModel` on a real database, with scripted models and a clock that sleeps at once. */
export function scriptedCalls(
  database: Database,
  spoolDir: string,
  options: Partial<CallDeps> & { script?: Script; models?: readonly Model[]; clock?: FakeClock } = {},
): ScriptedCalls {
  const { script = () => aReply(), models = [aModel()], clock = new FakeClock({ instant: true }), ...rest } = options
  const sent: SentCall[] = []
  const warnings: string[] = []
  return {
    database,
    tables: new Capabilities(database, migrations),
    providers: {
      client: async (provider) => ({
        send: async (call, { signal }) => {
          sent.push({ providerId: provider.id, call, atMs: clock.now() })
          const answer = await script(call, { number: sent.length, providerId: provider.id, signal })
          if (answer instanceof Error) throw answer
          return answer
        },
      }),
    },
    choose: async () => ({ chain: models.map((model) => ({ model, reason: 'test' })), excluded: [] }),
    health: quietHealth(),
    random: seededRandom(7),
    ids: systemIds,
    spoolDir,
    allowUnpriced: false,
    projectBudgetMicroUsd: null,
    redact: (text) => text,
    warnOnce: vi.fn((_key: string, message: string) => {
      if (!warnings.includes(message)) warnings.push(message)
    }),
    ...rest,
    clock,
    sent,
    warnings,
  }
}

/** A health book that remembers nothing. */
export function quietHealth(overrides: Partial<HealthBook> = {}): HealthBook {
  return {
    cooldownUntil: async () => null,
    recordSuccess: async () => {},
    recordFailure: async () => {},
    ...overrides,
  }
}

export function aScope(overrides: Partial<CallScope> = {}): CallScope {
  return {
    purpose: 'job',
    projectId: 'project-1',
    jobId: null,
    errandId: null,
    attempt: null,
    schedulerId: null,
    role: 'engineer',
    budgetMicroUsd: null,
    ...overrides,
  }
}
