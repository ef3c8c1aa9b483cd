import type { MicroUsd } from './money.ts'
import type { Priority } from './job-state.ts'

/** A command as an argv array: `["npm", "test"]`. Never a shell line. */
export type Argv = readonly [string, ...string[]]

export const executorKinds = ['agent', 'llm', 'command'] as const
export type ExecutorKind = (typeof executorKinds)[number]

/** Named by the design and refused with "not in this version". */
export const plannedExecutorKinds = ['cli', 'human'] as const

/** What a job, role or model needs or offers. */
export const modelNeeds = ['tools', 'structured_output', 'vision', 'reasoning', 'long_context'] as const
export type ModelNeed = (typeof modelNeeds)[number]

/** The name of the schema by which the architect asks a model for a plan. The rehearsal provider refuses it. */
export const planSchemaName = 'orch_plan'

/** A JSON Schema document. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A check of a job's acceptance. orch runs it itself; a worker's word is never evidence. */
export type Check =
  | {
      readonly id: string
      readonly check: 'file'
      readonly path: string
      readonly contains: string | null
      readonly changed: boolean
    }
  /** `path` null checks the reply itself. */
  | { readonly id: string; readonly check: 'schema'; readonly path: string | null; readonly schema: JsonSchema }
  | { readonly id: string; readonly check: 'command'; readonly run: Argv; readonly timeoutMs: number }

export interface PlannedTask {
  readonly title: string
  readonly description: string
}

export interface TokenEstimate {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface PlannedJob {
  readonly key: string
  readonly title: string
  readonly description: string
  /** Null for command jobs, which need no role. */
  readonly role: string | null
  readonly dependsOn: readonly string[]
  readonly priority: Priority
  readonly executor: ExecutorKind
  /** The argv of a command job; null for the others. */
  readonly run: Argv | null
  readonly timeoutMs: number | null
  /** Whether a command that may have run already may run again in the same try. */
  readonly repeatable: boolean
  readonly needs: readonly ModelNeed[]
  /** Globs the job may write; null means the default of its executor (DESIGN section 8). */
  readonly writes: readonly string[] | null
  readonly locks: readonly string[]
  readonly tasks: readonly PlannedTask[]
  readonly acceptance: readonly Check[]
  readonly deliverables: readonly string[]
  readonly estimate: TokenEstimate | null
  readonly maxTries: number
  /** `provider/model`, set by a person only. */
  readonly model: string | null
}

/** A plan as data: the YAML file and the database rows are two forms of this. */
export interface Plan {
  readonly version: 1
  /** Slug of the project. */
  readonly project: string
  readonly goal: string
  readonly budgetMicroUsd: MicroUsd | null
  /** Null means the default workspace (DESIGN section 9). */
  readonly workspace: string | null
  readonly commands: readonly Argv[]
  readonly jobs: readonly PlannedJob[]
}
