import type { ExitName } from './exit-code.ts'

/**
 * Every error code orch can print, with the exit status it leads to and when it appears.
 * A code is a contract: scripts match on it, README lists it, and its message may change freely.
 */
export const errorCodes = {
  ORCH_BUG: { exit: 'bug', when: 'something orch did not foresee' },
  ORCH_USAGE: { exit: 'usage', when: 'an unknown command or flag, or a bad value' },
  ORCH_NEEDS_CONFIRMATION: { exit: 'usage', when: 'a question could not be asked without a terminal' },
  ORCH_CONFIG_INVALID: { exit: 'configuration', when: 'a configuration file or setting cannot be read' },
  ORCH_CONFIG_UNTRUSTED: {
    exit: 'configuration',
    when: 'a project file or database asks for something only its owner may grant',
  },
  ORCH_CREDENTIAL_MISSING: {
    exit: 'configuration',
    when: 'a credential is named but has no source, or its source is empty',
  },
  ORCH_NO_PROVIDER: { exit: 'configuration', when: 'no usable provider or model' },
  ORCH_NOT_FOUND: { exit: 'notFound', when: 'nothing has the given name or id' },
  ORCH_AMBIGUOUS: { exit: 'notFound', when: 'an id suffix fits more than one row' },
  ORCH_CONFLICT: { exit: 'conflict', when: 'the name exists, or the state does not allow the change' },
  ORCH_DATABASE_UNREACHABLE: { exit: 'database', when: 'the database cannot be opened or reached' },
  ORCH_DATABASE_FAILED: { exit: 'database', when: 'the database refused a statement' },
  ORCH_VALUES_REFUSED: { exit: 'conflict', when: 'a database that is to be moved holds values that the target cannot' },
  ORCH_DATABASE_NEWER: { exit: 'migrationDrift', when: 'the database was migrated by a newer orch' },
  ORCH_TABLE_MISSING: { exit: 'migrationsPending', when: 'a table that the command must write is missing' },
  ORCH_PROVIDER_FAILED: { exit: 'provider', when: 'a provider answered with an error or not at all' },
  ORCH_BUDGET: { exit: 'runWaits', when: 'a budget, an unknown price or missing accounting does not allow a call' },
  ORCH_PLAN_INVALID: { exit: 'planInvalid', when: 'a plan file or a reply of the architect breaks a rule' },
  ORCH_MIGRATION_REFUSED: { exit: 'migrationRefused', when: 'a migration would change or destroy what exists' },
  ORCH_MIGRATION_DRIFT: { exit: 'migrationDrift', when: 'ledger, migrations and tables disagree' },
  ORCH_MIGRATION_INCOMPLETE: { exit: 'migrationIncomplete', when: 'an earlier run did not finish' },
  ORCH_MIGRATION_LOCKED: {
    exit: 'lockHeld',
    when: 'another process migrates this database, or keeps it open during a restore',
  },
  ORCH_BACKUP_FAILED: { exit: 'backup', when: 'a backup could not be made, verified or brought back' },
  ORCH_WORKSPACE_INVALID: { exit: 'usage', when: 'the workspace is missing, not a directory, or not reachable' },
  ORCH_OUTSIDE_WORKSPACE: { exit: 'conflict', when: 'a path leaves the workspace or touches a protected file' },
  ORCH_FILE_UNREADABLE: { exit: 'usage', when: 'a named file is missing, too large, or not text' },
  ORCH_INTERRUPTED: { exit: 'signal', when: 'a signal stopped the command' },
} as const satisfies Record<string, { exit: ExitName; when: string }>

export type ErrorCode = keyof typeof errorCodes
