import * as z from 'zod'
import type { Argv } from '../../domain/plan.ts'
import type { ToolName } from '../../domain/tool-name.ts'
import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import type { ToolSpec } from '../../providers/model-client.ts'
import { cutBytes } from '../../workspace/text-lines.ts'
import type { CommandResult } from '../../workspace/run-command.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import type { CommandPermission } from './command-permission.ts'

/** What a tool may touch: fixed by plan, role and user before the conversation starts, out of a model's reach. */
export interface ToolContext {
  readonly workspace: Workspace
  /** Globs that may be written; null is everything that is not protected. */
  readonly writes: readonly string[] | null
  readonly commands: CommandPermission
  /** Runs an argv that `commands` allows, in the workspace, under the attempt's token and signal. */
  readonly runCommand: (argv: Argv, options: { readonly timeoutMs: number }) => Promise<CommandResult>
  /** The longest a command may take, whatever the model asks for. */
  readonly commandTimeoutMs: number
  readonly signal: AbortSignal
}

/** What goes back to the model, and what the journal needs to know. */
export interface ToolResult {
  readonly output: string
  /** Whether the tool did not do what was asked; the output says why. */
  readonly failed: boolean
  /** The file that was written. */
  readonly path?: string
  /** SHA-256 before the write; null when there was no file. Absent when nothing was written. */
  readonly beforeHash?: string | null
  readonly afterHash?: string
}

export interface Tool {
  readonly spec: ToolSpec
  /** How a started call that may or may not have happened is judged on resume. */
  readonly effect: 'none' | 'file' | 'command'
  /**
   * The path a file tool would write, so that its hash can be noted before; null for other tools and for an input that
   * will be refused.
   */
  target(input: unknown, context: ToolContext): string | null
  /** Never throws but for an abort of `context.signal`: refusals and failures are output for the model. */
  run(input: unknown, context: ToolContext): Promise<ToolResult>
}

interface ToolDefinition<Input> {
  readonly name: ToolName
  readonly description: string
  readonly input: z.ZodType<Input>
  readonly effect: Tool['effect']
  readonly target?: (input: Input) => string
  readonly work: (input: Input, context: ToolContext) => Promise<ToolResult>
}

/** Bytes of output that a tool returns at most: a larger one would crowd everything else out of a context window. */
export const toolOutputLimitBytes = 32 * 1024

/** Makes a tool of its schema and its work: one place for validation, refusals and the limit on output. */
export function defineTool<Input>({ input: schema, work, ...definition }: ToolDefinition<Input>): Tool {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' })
  return {
    spec: { name: definition.name, description: definition.description, parameters },
    effect: definition.effect,
    target: (input, context) => {
      const parsed = schema.safeParse(withoutNulls(input))
      if (!parsed.success || definition.target === undefined) return null
      try {
        return context.workspace.normalize(definition.target(parsed.data))
      } catch {
        return null
      }
    },
    run: async (input, context) => {
      context.signal.throwIfAborted()
      const parsed = schema.safeParse(withoutNulls(input))
      if (!parsed.success) return failure(`invalid input: ${faults(parsed.error)}`)
      try {
        const result = await work(parsed.data, context)
        return { ...result, output: limited(result.output) }
      } catch (error) {
        context.signal.throwIfAborted()
        return failure(describe(error))
      }
    },
  }
}

/** An answer that tells the model what was refused and what to do instead. */
export function failure(reason: string): ToolResult {
  return { output: limited(`error: ${reason}`), failed: true }
}

function describe(error: unknown): string {
  if (error instanceof OrchError && error.hint !== undefined) return `${error.message}\n${error.hint}`
  return errorMessage(error)
}

function limited(output: string): string {
  if (Buffer.byteLength(output) <= toolOutputLimitBytes) return output
  return `${cutBytes(output, toolOutputLimitBytes - 100)}\n[... cut at ${toolOutputLimitBytes} bytes ...]`
}

/** Some models write null for a field they leave out. */
function withoutNulls(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))
}

function faults(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`)
    .join('; ')
}
