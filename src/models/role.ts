import type { Argv, ModelNeed } from '../domain/plan.ts'
import type { ToolName } from '../domain/tool-name.ts'

/** One place in the org chart: who does a job, how it is told to work, and what it may use. */
export interface Role {
  /** `qa_specialist`: what plans name. */
  readonly id: string
  readonly title: string
  /** The head of every system prompt of this role's jobs. */
  readonly prompt: string
  /** What its model must offer. */
  readonly needs: readonly ModelNeed[]
  /** Tools it grants to agents; `submit` is always there besides. */
  readonly tools: readonly ToolName[]
  /** Argv prefixes it may not run, although the plan allows them. Roles narrow, never widen. */
  readonly deniedCommands: readonly Argv[]
  /** The role it reports to; null at the top. */
  readonly reportsTo: string | null
  /** `provider/model`, set by a person. */
  readonly modelPin: string | null
  /** In the database, rather than built in. */
  readonly stored: boolean
}
