import { OrchError, type OrchErrorOptions } from '../errors/orch-error.ts'
import type { ErrorCode } from '../errors/error-code.ts'
import type { Design } from './architect.ts'

type Stopped = Extract<Design, { kind: 'stopped' }>

const waysToPlan =
  'Plan without a model: --blueprint repo-report, rest-api or cli-tool, or --from <plan.yaml>. Or add a provider: `orch providers add`, set a key such as OPENAI_API_KEY, or start Ollama'

/** The error for a call that brought no reply; `nowMs` tells how long a wait still is. */
export function stoppedError({ end, replyPaths }: Stopped, nowMs: number): OrchError {
  const kept = replyPaths.length === 0 ? '' : `. The reply before is kept in ${replyPaths.join(' and ')}`
  const fail = (code: ErrorCode, message: string, options: OrchErrorOptions) =>
    new OrchError(code, `${message}${kept}`, options)
  switch (end.kind) {
    case 'aborted':
      return fail('ORCH_INTERRUPTED', 'Planning was stopped; nothing was stored', {})
    case 'wait': {
      const seconds = Math.max(1, Math.ceil((end.untilMs - nowMs) / 1000))
      return fail('ORCH_PROVIDER_FAILED', `No model can answer now: ${end.reason}`, {
        hint: `Try again in ${seconds} s, or choose another model with --model`,
      })
    }
    case 'refused':
      if (end.by === 'no_model')
        return fail('ORCH_NO_PROVIDER', `No model can plan: ${end.reason}`, { hint: waysToPlan })
      return fail('ORCH_BUDGET', `The call was not made: ${end.reason}`, { hint: end.hint })
    case 'failed':
      return fail('ORCH_PROVIDER_FAILED', `${end.message} (${end.errorClass})`, { hint: end.hint })
  }
}
