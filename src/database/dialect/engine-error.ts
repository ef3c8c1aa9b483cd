import { OrchError, errorMessage, systemErrorCode } from '../../errors/orch-error.ts'

/** SQLSTATE: five digits and capitals, as Postgres puts them into `code`. */
const sqlState = /^[0-9A-Z]{5}$/

/**
 * An engine's own error as ORCH_DATABASE_FAILED, for those that no caller expected; null for anything
 * else. Loads neither engine.
 */
export function engineError(thrown: unknown): OrchError | null {
  const code = systemErrorCode(thrown)
  if (code === undefined) return null
  if (!code.startsWith('SQLITE_') && !(sqlState.test(code) && !code.startsWith('E'))) return null
  return new OrchError('ORCH_DATABASE_FAILED', `The database failed: ${errorMessage(thrown)} (${code})`, {
    hint: hintFor(code),
    cause: thrown,
  })
}

/** Whether the database refused something for want of a permission, also where that is the cause of what was thrown. */
export function isPermissionRefused(thrown: unknown): boolean {
  // SQLSTATE insufficient_privilege.
  if (systemErrorCode(thrown) === '42501') return true
  return thrown instanceof Error && thrown.cause !== undefined && isPermissionRefused(thrown.cause)
}

function hintFor(code: string): string {
  if (code.startsWith('SQLITE_BUSY')) return 'Another process kept the file locked; try again'
  if (code.startsWith('SQLITE_FULL') || code === '53100') return 'The disk is full'
  if (code === 'SQLITE_READONLY_DBMOVED')
    return 'Nothing was written to what is there now: look at it, then run it again'
  if (code.startsWith('SQLITE_READONLY') || code === '42501' || code === '25006') return 'You may not write there'
  if (code.startsWith('08') || code.startsWith('57')) return 'The connection was lost; check that the server runs'
  return 'Check it with `orch db status`'
}
