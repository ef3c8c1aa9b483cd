import type { CallDeps } from '../calls/call-deps.ts'
import type { JobLimits } from '../calls/job-limits.ts'
import type { Argv } from '../domain/plan.ts'
import type { Role } from '../models/role.ts'
import type { CommandResult } from '../workspace/run-command.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { AllowedBinary } from './tools/command-permission.ts'
import type { TimeLimits } from './watchdog.ts'

/** Runs one argv; `runCommand` of `workspace/` with environment and clock already given. */
export type CommandRunner = (
  argv: Argv,
  options: {
    readonly cwd: string
    readonly timeoutMs: number
    readonly signal: AbortSignal
    readonly attemptToken: string
    /** Told of every piece of output. */
    readonly onOutput?: () => void
  },
) => Promise<CommandResult>

/** What an attempt is doing right now, for whoever watches. */
export interface Progress {
  readonly jobId: string
  readonly attempt: number
  readonly kind: 'model' | 'tool' | 'command' | 'check'
  /** The tool, the program, the check, or for a model the step it works on. */
  readonly name: string
  /** `provider/model`, once one has answered. */
  readonly model: string | null
}

/** Bounds of every attempt, from the settings. */
export interface ExecutionLimits extends TimeLimits {
  /** Model calls of one task. */
  readonly turns: number
  /** Total deadline of one model request. */
  readonly callTimeoutMs: number
  /** What the job may consume in all its tries. */
  readonly job: JobLimits
}

/** What executing an attempt needs, built once by `context.ts`. */
export interface ExecutionDeps {
  readonly calls: CallDeps
  readonly roles: { get(id: string): Promise<Role> }
  readonly openWorkspace: (root: string) => Promise<Workspace>
  readonly runCommand: CommandRunner
  /** Programs of the user's own configuration that agents may run besides the plan's commands. */
  readonly allowedBinaries: readonly AllowedBinary[]
  readonly limits: ExecutionLimits
  readonly onProgress?: (progress: Progress) => void
}
