/** One cheap real call to a provider, to see whether it works. Sent once, never retried, and booked like any other. */
import { catalogPrice, placePrice, boundCall } from '../models/pricing.ts'
import { ProviderError, type ModelCall, type ModelReply } from '../providers/model-client.ts'
import type { ProviderManager } from '../providers/provider-manager.ts'
import type { ListedModel, Provider } from '../providers/provider.ts'
import { OrchError } from '../errors/orch-error.ts'
import { presentTables, type CallDeps } from './call-deps.ts'
import { scopeOutsideJobs } from './paid-call.ts'
import { settle } from './settle.ts'

export interface TestDeps extends Pick<CallDeps, 'clock' | 'ids' | 'tables' | 'warnOnce'> {
  readonly database: CallDeps['database']
  readonly providers: ProviderManager
}

export interface ProviderTest {
  readonly modelCount: number
  readonly listLatencyMs: number
  readonly modelId: string
  readonly latencyMs: number
  /** Null is unknown; a local server costs 0. */
  readonly costMicroUsd: number | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

const timeoutMs = 60_000
const mostOutputTokens = 16

/**
 * Lists the models, then asks one of them, the cheapest unless named, for a word. Throws ProviderError with
 * the class of what failed, the credential's errors, and ORCH_NOT_FOUND for a model that is not listed.
 */
export async function testProvider(
  deps: TestDeps,
  provider: Provider,
  options: { readonly modelId?: string; readonly signal: AbortSignal },
): Promise<ProviderTest> {
  const startedAt = deps.clock.monotonic()
  const models = await deps.providers.listModels(provider, options.signal)
  const listLatencyMs = Math.round(deps.clock.monotonic() - startedAt)
  const modelId = options.modelId ?? (await cheapestModel(deps, provider, models))
  if (!models.some((model) => model.modelId === modelId)) {
    throw new OrchError('ORCH_NOT_FOUND', `${provider.id} does not list a model ${modelId}`, {
      hint: `\`orch models list --provider ${provider.id}\` shows what it lists`,
    })
  }
  const { latencyMs, usage, costMicroUsd } = await askForOneWord(deps, provider, { modelId, signal: options.signal })
  return {
    modelCount: models.length,
    listLatencyMs,
    modelId,
    latencyMs: Math.round(latencyMs),
    costMicroUsd,
    inputTokens: usage?.inputTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
  }
}

type Answer = Pick<ModelReply, 'latencyMs'> & { readonly usage: ModelReply['usage'] | null }

async function askForOneWord(
  deps: TestDeps,
  provider: Provider,
  { modelId, signal }: { readonly modelId: string; readonly signal: AbortSignal },
): Promise<Answer & { readonly costMicroUsd: number | null }> {
  const client = await deps.providers.client(provider)
  const call: ModelCall = {
    modelId,
    system: '',
    messages: [{ role: 'user', text: 'Reply with the word OK.' }],
    tools: [],
    schema: null,
    maxOutputTokens: mostOutputTokens,
  }
  const startedAt = deps.clock.monotonic()
  const book = (answer: Answer, failure: ProviderError | null) => bookTest(deps, provider, { modelId, answer, failure })
  try {
    const reply = await client.send(call, { signal, timeoutMs })
    return { ...reply, costMicroUsd: await book(reply, null) }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const answer = { latencyMs: deps.clock.monotonic() - startedAt, usage: error.usage ?? null }
    const costMicroUsd = await book(answer, error)
    // A model that thinks first does not reach its word in 16 tokens; it did answer.
    if (error.errorClass === 'truncated') return { ...answer, costMicroUsd }
    throw error
  }
}

interface TestResult {
  readonly modelId: string
  readonly answer: Answer
  readonly failure: ProviderError | null
}

async function bookTest(deps: TestDeps, provider: Provider, result: TestResult): Promise<number | null> {
  const { modelId, answer, failure } = result
  const nowMs = deps.clock.now()
  const price = placePrice(provider) ?? (await catalogPrice(provider, modelId, nowMs))
  const present = await presentTables(deps.tables)
  const boundMicroUsd = boundCall(price, { requestBytes: 200, maxOutputTokens: mostOutputTokens })
  const { costMicroUsd } = await deps.database.write((trx) =>
    settle(
      trx,
      { ...deps, present },
      {
        reservation: {
          id: deps.ids.next(),
          scope: scopeOutsideJobs('probe'),
          providerId: provider.id,
          providerKind: provider.kind,
          modelId,
          local: provider.local,
          price,
          boundMicroUsd,
        },
        outcome: failure === null ? 'ok' : 'error',
        usage: answer.usage,
        latencyMs: answer.latencyMs,
        errorClass: failure?.errorClass ?? null,
      },
    ),
  )
  return costMicroUsd
}

/** Models that a word of text cannot be asked of, by the words vendors put into their names. */
const notForText =
  /embed|whisper|tts|audio|realtime|transcri|image|dall-e|moderation|rerank|guard|ocr|sora|veo|imagen|bge/i
/** What vendors call their small models, for those without a known price. */
const small = /nano|mini|haiku|flash|lite|small|tiny|instant|[^0-9]([1-9])b\b/i

async function cheapestModel({ clock }: TestDeps, provider: Provider, models: readonly ListedModel[]): Promise<string> {
  const candidates = models.map((model) => model.modelId).filter((modelId) => !notForText.test(modelId))
  const priced = await Promise.all(
    candidates.map(async (modelId) => {
      const price = placePrice(provider) ?? (await catalogPrice(provider, modelId, clock.now()))
      const known = price === null ? Number.POSITIVE_INFINITY : price.inputUsdPerMillion + price.outputUsdPerMillion
      return { modelId, cost: known, isSmall: small.test(modelId) }
    }),
  )
  const [best] = priced.toSorted((a, b) => compare(a.cost, b.cost) || Number(b.isSmall) - Number(a.isSmall))
  if (best !== undefined) return best.modelId
  throw new OrchError('ORCH_NO_PROVIDER', `${provider.id} answers, but lists no model that can be asked`, {
    hint:
      provider.kind === 'ollama'
        ? 'Get one with `ollama pull <model>`'
        : 'Load a model there, or name one with --model',
  })
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}
