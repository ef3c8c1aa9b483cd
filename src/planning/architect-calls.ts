/** The architect's calls: paid like every other, and no reply is lost when its booking fails. */
import type { CallDeps } from '../calls/call-deps.ts'
import { callModel, scopeOutsideJobs } from '../calls/paid-call.ts'
import type { MicroUsd } from '../domain/money.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { ModelReply } from '../providers/model-client.ts'
import type { ArchitectDeps, ArchitectRequest } from './architect.ts'

export interface ArchitectCallOptions {
  /** `provider/model` or a provider, chosen by the person. */
  readonly pin: string | null
  readonly budgetMicroUsd: MicroUsd | null
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Answers within the project's budget, booked with purpose `plan`. */
export function architectCalls(deps: CallDeps, options: ArchitectCallOptions): ArchitectDeps['ask'] {
  return async (request) => {
    const watch = new ReplyWatch(deps)
    try {
      return await callModel(watch.deps, {
        scope: scopeOutsideJobs('plan', { role: 'architect', budgetMicroUsd: options.budgetMicroUsd }),
        model: { role: 'architect', needs: [], pin: options.pin, minimumContextTokens: tokensOf(request) },
        request,
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      })
    } catch (error) {
      const { last } = watch
      if (last === null) throw error
      // The reply is paid for and its settlement waits in the spool: going on loses nothing.
      deps.warnOnce('plan-accounting', `The planner's call could not be booked yet: ${errorMessage(error)}`)
      return { kind: 'reply', reply: last.reply, model: last.model, costMicroUsd: null, boundMicroUsd: null }
    }
  }
}

/** Remembers the last reply that arrived, whatever happens to it afterwards. */
class ReplyWatch {
  last: { readonly reply: Pick<ModelReply, 'text'>; readonly model: { readonly name: string } } | null = null
  readonly deps: CallDeps

  constructor(deps: CallDeps) {
    this.deps = {
      ...deps,
      providers: {
        client: async (provider) => {
          const client = await deps.providers.client(provider)
          return {
            send: async (call, sending) => {
              const reply = await client.send(call, sending)
              this.last = {
                reply: { text: deps.redact(reply.text) },
                model: { name: `${provider.id}/${call.modelId}` },
              }
              return reply
            },
          }
        },
      },
    }
  }
}

/** A rough size with room for a plan: four bytes to a token. */
function tokensOf(request: ArchitectRequest): number {
  const bytes = Buffer.byteLength(request.system) + Buffer.byteLength(JSON.stringify(request.messages))
  return Math.ceil(bytes / 4) + 4096
}
