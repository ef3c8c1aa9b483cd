/** What a process exit status of orch means. README's table is proven equal to this one. */
export const exitCodes = {
  done: { code: 0, means: 'done' },
  bug: { code: 1, means: 'unexpected error: a bug' },
  usage: { code: 2, means: 'usage: unknown flag, bad value' },
  configuration: { code: 3, means: 'configuration' },
  notFound: { code: 4, means: 'not found' },
  conflict: { code: 5, means: 'illegal state or conflict' },
  database: { code: 6, means: 'database unreachable or failing' },
  provider: { code: 7, means: 'provider failing' },
  planInvalid: { code: 8, means: 'plan invalid' },
  migrationsPending: { code: 10, means: 'migrations pending' },
  migrationRefused: { code: 11, means: 'refused: destructive or undeclared SQL' },
  migrationDrift: { code: 12, means: 'drift: checksum, shape, unknown or missing migration' },
  migrationIncomplete: { code: 13, means: 'an earlier run is incomplete' },
  lockHeld: { code: 14, means: 'lock held, or lock timeout' },
  backup: { code: 15, means: 'backup failed or could not be verified' },
  runFailed: { code: 20, means: 'run ended, something failed or was skipped' },
  runWaits: { code: 21, means: 'run ended, something waits for approval, budget, a person, or a provider' },
  signal: { code: 130, means: 'stopped by a signal, also after a clean drain' },
} as const

export type ExitName = keyof typeof exitCodes
export type ExitCode = (typeof exitCodes)[ExitName]['code']
