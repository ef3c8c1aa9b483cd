import { errorCodes, type ErrorCode } from './error-code.ts'
import { exitCodes, type ExitCode } from './exit-code.ts'

export interface OrchErrorOptions {
  /** What the reader can do next, as one sentence or command. */
  readonly hint?: string
  readonly cause?: unknown
}

/** A failure orch understands: a stable code, one clear line, and a hint. Anything else is a bug. */
export class OrchError extends Error {
  override readonly name = 'OrchError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: OrchErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  get exitCode(): ExitCode {
    return exitCodes[errorCodes[this.code].exit].code
  }
}

/** The `code` property that Node, SQLite and Postgres put on their errors, if there is one. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** One line of text for any thrown value, without a stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
