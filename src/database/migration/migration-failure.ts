import type { ErrorCode } from '../../errors/error-code.ts'
import { OrchError, type OrchErrorOptions } from '../../errors/orch-error.ts'

export interface MigrationFailureOptions extends OrchErrorOptions {
  /** The migration's name. */
  readonly migration: string
  /** The statement at which it ended, where there was one. */
  readonly statement?: string
}

/** A failure of one migration: says which, and at which statement, so that a finding can point at its line. */
export class MigrationFailure extends OrchError {
  readonly migration: string
  readonly statement: string | null

  constructor(code: ErrorCode, message: string, { migration, statement, ...options }: MigrationFailureOptions) {
    super(code, message, options)
    this.migration = migration
    this.statement = statement ?? null
  }
}
