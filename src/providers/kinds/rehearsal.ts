/**
 * A simulated model: it delivers what the job's brief asks for, submits, and says in every text that it is
 * a rehearsal. It costs nothing, knows nothing and repeats itself for a seed.
 */
import { parseJobBrief, type JobBrief } from '../../domain/job-brief.ts'
import { planSchemaName } from '../../domain/plan.ts'
import { OrchError } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { seededRandom } from '../../runtime/random.ts'
import { minimalValue } from '../minimal-value.ts'
import { ProviderError, type ModelCall, type ModelClient, type ModelReply, type ToolCall } from '../model-client.ts'
import type { ListedModel } from '../provider.ts'
import { failedDeadline } from '../provider-failure.ts'
import { rehearsalModelId, rehearsalSettings } from '../rehearsal-settings.ts'
import { deliverablePath, deliverableText } from '../rehearsal-text.ts'

export interface RehearsalOptions {
  readonly providerId: string
  /** `rehearsal:?seed=..&latency-ms=..&failure-rate=..` */
  readonly address: string
  readonly clock: Clock
}

/** What the rehearsal provider serves. */
export const rehearsalModels: readonly ListedModel[] = [
  { modelId: rehearsalModelId, data: { id: rehearsalModelId, simulated: true, context_length: 1_000_000 } },
]

/** One client keeps one stream of randomness: keep it for as long as the seed shall hold. */
export function createRehearsalClient({ providerId, address, clock }: RehearsalOptions): ModelClient {
  const { seed, latencyMs, failureRate } = rehearsalSettings(address)
  const random = seededRandom(seed)
  const source = { providerId, kind: 'rehearsal', local: true, baseUrl: address } as const
  return {
    send: async (call, { signal, timeoutMs }) => {
      signal.throwIfAborted()
      const fails = random.next() < failureRate
      await clock.sleep(Math.min(latencyMs, timeoutMs), signal)
      signal.throwIfAborted()
      if (latencyMs > timeoutMs) throw failedDeadline(source, timeoutMs)
      if (fails) throw simulatedFailure(providerId)
      return reply(call, clock.now(), latencyMs)
    },
  }
}

function simulatedFailure(providerId: string): ProviderError {
  return new ProviderError(`${providerId}: simulated failure`, { errorClass: 'server', providerId, status: 500 })
}

function reply(call: ModelCall, nowMs: number, latencyMs: number): ModelReply {
  const { text, toolCalls } = answer(call, nowMs)
  const inputBytes = Buffer.byteLength(call.system) + Buffer.byteLength(JSON.stringify(call.messages))
  return {
    text,
    toolCalls,
    finish: toolCalls.length > 0 ? 'tool_calls' : 'stop',
    usage: {
      // About four bytes to a token, so that reports have something to show.
      inputTokens: Math.ceil(inputBytes / 4),
      cachedInputTokens: null,
      cacheWriteTokens: null,
      outputTokens: Math.ceil(Buffer.byteLength(text + JSON.stringify(toolCalls)) / 4),
      reasoningTokens: null,
    },
    latencyMs,
  }
}

const notice = 'This is a rehearsal: no model worked on it.'

function answer(call: ModelCall, nowMs: number): { readonly text: string; readonly toolCalls: readonly ToolCall[] } {
  if (call.schema?.name === planSchemaName) {
    throw new OrchError('ORCH_NO_PROVIDER', 'The rehearsal provider cannot make a plan: it has no model', {
      hint: 'Plan from a blueprint with --blueprint <name>, from a file with --from <plan.yaml>, or add a provider',
    })
  }
  if (call.schema !== null)
    return { text: JSON.stringify(minimalValue(call.schema.schema, { text: notice })), toolCalls: [] }
  const brief = briefOf(call)
  const toolCalls = work(call, brief, nowMs)
  if (toolCalls.length > 0) return { text: '', toolCalls }
  const lines = [notice, ...(brief === null ? [] : [`Job: ${brief.key}`, ...Object.values(brief.contains)])]
  return { text: lines.join('\n'), toolCalls }
}

function briefOf(call: ModelCall): JobBrief | null {
  const prompts = [call.system, ...call.messages.flatMap((message) => (message.role === 'user' ? [message.text] : []))]
  for (const prompt of prompts) {
    const brief = parseJobBrief(prompt)
    if (brief !== null) return brief
  }
  return null
}

/** First every deliverable, then `submit`; nothing where neither tool is offered. */
function work(call: ModelCall, brief: JobBrief | null, nowMs: number): readonly ToolCall[] {
  const offered = new Map(call.tools.map((tool) => [tool.name, tool]))
  const turn = call.messages.filter((message) => message.role === 'assistant').length
  const deliverables = offered.has('write') && brief !== null ? brief.deliverables : []
  if (turn === 0 && deliverables.length > 0 && brief !== null) {
    return deliverables.map((deliverable, index) => {
      const path = deliverablePath(deliverable)
      const content = deliverableText({ path, key: brief.key, contains: brief.contains[path] ?? '', nowMs })
      return { id: `rehearsal_${turn}_${index}`, name: 'write', input: { path, content } }
    })
  }
  const submit = offered.get('submit')
  if (submit === undefined) return []
  return [{ id: `rehearsal_${turn}_0`, name: 'submit', input: submission(submit.parameters, brief) }]
}

/** What `submit` asks for by its own schema, with the claims filled in. */
function submission(parameters: unknown, brief: JobBrief | null): unknown {
  const input = minimalValue(parameters, { text: notice }) as Record<string, unknown>
  const properties = Object.keys((parameters as { properties?: object }).properties ?? {})
  const claims = properties.find((name) => /claim|acceptance|checks/.test(name))
  return claims === undefined || brief === null ? input : { ...input, [claims]: brief.acceptance }
}
