/** ProjectArchitect: a goal becomes a validated plan by at most two model calls, the second naming the first one's faults. */
import { planSchemaName, type Plan } from '../domain/plan.ts'
import type { ErrorClass } from '../domain/error-class.ts'
import type { MicroUsd } from '../domain/money.ts'
import type { Model } from '../models/model.ts'
import type { ChatMessage, ModelCall, ModelReply } from '../providers/model-client.ts'
import { architectRequest, architectSystem, repairRequest, type RoleSummary } from './architect-prompt.ts'
import type { ContextFile } from './context-files.ts'
import { extractReply } from './extract-reply.ts'
import { planFault, type PlanFault } from './plan-fault.ts'
import { compileReply, planReplySchema, type CompiledReply, type PlanFrame } from './plan-reply.ts'
import { validatePlan } from './validate-plan.ts'

export type ArchitectRequest = Omit<ModelCall, 'modelId'>

/** One paid call's end, as `calls/` returns it. */
export type ArchitectReply =
  | {
      readonly kind: 'reply'
      readonly reply: Pick<ModelReply, 'text'>
      readonly model: Pick<Model, 'name'>
      readonly costMicroUsd: MicroUsd | null
      readonly boundMicroUsd: MicroUsd | null
    }
  | {
      readonly kind: 'failed'
      readonly errorClass: ErrorClass
      readonly message: string
      readonly hint: string | undefined
      readonly partialText: string | undefined
    }
  | { readonly kind: 'refused'; readonly by: string; readonly reason: string; readonly hint: string }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'aborted' }

export interface ArchitectDeps {
  /** Sends one paid call; books it with purpose `plan`. */
  readonly ask: (request: ArchitectRequest) => Promise<ArchitectReply>
  /** Keeps a raw reply and returns its path. */
  readonly keep: (text: string) => Promise<string>
  readonly progress: (message: string) => void
}

export interface ArchitectTask {
  readonly frame: PlanFrame
  readonly context: readonly ContextFile[]
  /** The architect's own role prompt. */
  readonly rolePrompt: string
  readonly roles: readonly RoleSummary[]
  readonly maxJobs: number | null
}

/** What the planner's own calls came to. */
export interface PlannerSpend {
  readonly calls: number
  readonly model: string | null
  /** Null as soon as one call's cost is unknown. */
  readonly costMicroUsd: MicroUsd | null
}

/** Every raw reply is kept before anything is made of it: `replyPaths`. */
export type Design =
  | {
      readonly kind: 'plan'
      readonly plan: Plan
      readonly ignored: readonly string[]
      readonly replyPaths: readonly string[]
      readonly spend: PlannerSpend
    }
  | {
      readonly kind: 'invalid'
      readonly faults: readonly PlanFault[]
      readonly replyPaths: readonly string[]
      readonly spend: PlannerSpend
    }
  | {
      readonly kind: 'stopped'
      readonly end: Exclude<ArchitectReply, { kind: 'reply' }>
      readonly replyPaths: readonly string[]
      readonly spend: PlannerSpend
    }

const outputTokens = 16_384

/** Asks, compiles, and where the reply has faults asks once more. Throws only what the call or the disk throws. */
export async function designPlan(deps: ArchitectDeps, task: ArchitectTask): Promise<Design> {
  const request = architectRequest({ ...task, goal: task.frame.goal })
  const messages: ChatMessage[] = [{ role: 'user', text: request }]
  const replyPaths: string[] = []
  let spend: PlannerSpend = { calls: 0, model: null, costMicroUsd: 0 }
  for (let round = 1; ; round++) {
    const answer = await deps.ask(toCall(task, messages))
    spend = addSpend(spend, answer)
    const text = textOf(answer)
    if (text === null) return { kind: 'stopped', end: answer as Stopped, replyPaths, spend }
    replyPaths.push(await deps.keep(text))
    const compiled = isCutShort(answer) ? cutShort() : compile(text, task)
    if (compiled.kind === 'plan') return { ...compiled, replyPaths, spend }
    if (round === 2) return { ...compiled, replyPaths, spend }
    deps.progress(`The reply has ${compiled.faults.length} faults; asking once for a repair`)
    messages.push({ role: 'assistant', text, toolCalls: [] }, { role: 'user', text: repairRequest(compiled.faults) })
  }
}

type Stopped = Exclude<ArchitectReply, { kind: 'reply' }>

function toCall(task: ArchitectTask, messages: readonly ChatMessage[]): ArchitectRequest {
  return {
    system: architectSystem(task.rolePrompt),
    messages: [...messages],
    tools: [],
    schema: { name: planSchemaName, schema: planReplySchema() },
    maxOutputTokens: outputTokens,
  }
}

/**
 * The text that an answer brought: a reply's, or one that the provider's own check took for malformed (thinking
 * first, trailing commas: extraction reads more than that) or found cut short. Null where nothing came.
 */
function textOf(answer: ArchitectReply): string | null {
  if (answer.kind === 'reply') return answer.reply.text
  if (answer.kind !== 'failed') return null
  const usable = answer.errorClass === 'truncated' || answer.errorClass === 'malformed'
  return usable && answer.partialText !== undefined && answer.partialText !== '' ? answer.partialText : null
}

function isCutShort(answer: ArchitectReply): boolean {
  return answer.kind === 'failed' && answer.errorClass === 'truncated'
}

/** A reply at the output limit is never salvaged, even where what arrived happens to parse. */
function cutShort(): CompiledReply & { kind: 'invalid' } {
  const message = 'expected a complete document, found one that the output limit cut off; plan with fewer words or jobs'
  return { kind: 'invalid', faults: [planFault('truncated', [], message)] }
}

function compile(text: string, task: ArchitectTask): CompiledReply {
  const extracted = extractReply(text)
  if (extracted.kind === 'invalid') return extracted
  const compiled = compileReply(extracted.document, task.frame)
  if (compiled.kind === 'invalid') return compiled
  const roles = new Set(task.roles.map(({ id }) => id))
  const faults = validatePlan(compiled.plan, { roles, maxJobs: task.maxJobs })
  return faults.length === 0 ? compiled : { kind: 'invalid', faults }
}

function addSpend(spend: PlannerSpend, answer: ArchitectReply): PlannerSpend {
  if (answer.kind === 'refused' || answer.kind === 'wait') return spend
  const costMicroUsd = answer.kind === 'reply' ? answer.costMicroUsd : null
  return {
    calls: spend.calls + 1,
    model: answer.kind === 'reply' ? answer.model.name : spend.model,
    costMicroUsd: spend.costMicroUsd === null || costMicroUsd === null ? null : spend.costMicroUsd + costMicroUsd,
  }
}
