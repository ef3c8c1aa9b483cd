import type { Command } from 'commander'
import type { ZodType } from 'zod'
import type { Context } from '../context.ts'
import type { ExitName } from '../errors/exit-code.ts'
import type { TableUse } from '../doctor/table-use.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Io } from './io.ts'

/** Flags every command takes. */
export interface GlobalOptions {
  readonly db?: string
  readonly config?: string
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly yes: boolean
}

/** One call of a command, parsed but not yet validated. */
export interface Invocation {
  readonly context: Context
  readonly io: Io
  readonly globals: GlobalOptions
  readonly args: readonly (string | readonly string[] | undefined)[]
  readonly options: Readonly<Record<string, unknown>>
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, unless the command takes signals itself. */
  readonly signal: AbortSignal
}

/** One verb. Its file holds syntax and wiring; the work is one feature function, imported lazily. */
export interface CommandModule {
  readonly summary: string
  /** Shown under "Example" in the help. */
  readonly example: string
  /** The tables it works with: proved by its statements, shown by `orch doctor`. */
  readonly tables: TableUse
  /** The command drains on signals by itself; the default is to abort `signal` and exit 130. */
  readonly handlesSignals?: boolean
  /** Adds arguments and options. */
  declare?(command: Command): void
  /** Returns the exit it means; nothing means `done`. Throws OrchError for everything else. */
  run(invocation: Invocation): Promise<ExitName | void>
}

/** Validates what commander parsed. Throws ORCH_USAGE that names the flag, what was expected and what was found. */
export function parseOptions<T>(schema: ZodType<T>, options: Readonly<Record<string, unknown>>): T {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = String(issue?.path[0] ?? 'options')
  throw new OrchError(
    'ORCH_USAGE',
    `--${toFlag(name)}: ${issue?.message ?? 'not valid'}, found ${JSON.stringify(options[name])}`,
    {
      hint: 'Run the command with --help to see what it takes',
    },
  )
}

function toFlag(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The positional argument at an index as text; empty where it was left out. */
export function textArgument(invocation: Pick<Invocation, 'args'>, index: number): string {
  const value = invocation.args[index]
  return typeof value === 'string' ? value : ''
}
