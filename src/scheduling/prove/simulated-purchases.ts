import type { CallDeps } from '../../calls/call-deps.ts'
import type { Model } from '../../models/model.ts'
import type { ModelCall } from '../../providers/model-client.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { jobInPrompt } from './proof-plan.ts'

export interface PurchaseOptions {
  readonly clock: Clock
  readonly random: Random
  readonly latencyMs: number
  /** Called with the job's key when a call is bought: before it is answered, as a vendor books it. */
  readonly onPurchase: (job: string) => void
}

/**
 * A model that is paid for like any other, with admission, journal, spool and ledger, and that only waits. Nothing is
 * sent anywhere. The provider kind `rehearsal` would not do: what costs nothing is not journaled as a purchase.
 */
export function simulatedPurchases(options: PurchaseOptions): Pick<CallDeps, 'choose' | 'providers'> {
  const { clock, random, latencyMs, onPurchase } = options
  const send = async ({ messages }: ModelCall, { signal }: { readonly signal: AbortSignal }) => {
    const job = jobInPrompt(messages.map((message) => ('text' in message ? message.text : '')).join('\n'))
    onPurchase(job)
    await clock.sleep(latencyMs * (0.5 + random.next()), signal)
    signal.throwIfAborted()
    const usage = {
      inputTokens: 100,
      cachedInputTokens: null,
      cacheWriteTokens: null,
      outputTokens: 20,
      reasoningTokens: null,
    }
    return { text: `${job} is done`, toolCalls: [], finish: 'stop', usage, latencyMs } as const
  }
  return {
    choose: async () => ({ chain: [{ model, reason: 'the only one' }], excluded: [] }),
    providers: { client: async () => ({ send }) },
  }
}

const model: Model = {
  provider: {
    id: 'proof',
    label: 'Proof',
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:9/v1',
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    origin: 'built-in',
    local: true,
  },
  modelId: 'simulated',
  lifecycle: 'active',
  specs: { capabilities: {} },
  name: 'proof/simulated',
}
