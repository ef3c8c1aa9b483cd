import { OrchError } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { MigrationEngine } from './engine.ts'

export interface LockOptions {
  readonly engine: MigrationEngine
  readonly clock: Clock
  /** How long to ask for the lock before giving up. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

const pollMs = 50
const notLocked = Symbol('not locked')

/**
 * Runs work in one transaction that holds the migration lock; the lock ends with the transaction, so a
 * killed migrator leaves none behind. The lock is asked for again and again rather than waited for:
 * a waiter in the server's queue would stall everybody behind it.
 * Throws ORCH_MIGRATION_LOCKED, naming the holder where the engine knows it, when the time is up.
 */
export async function underMigrationLock<T>(
  database: Database,
  options: LockOptions,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  const giveUpAt = options.clock.monotonic() + options.timeoutMs
  for (;;) {
    const result = await attempt(database, options.engine, work)
    if (result !== notLocked) return result
    if (options.clock.monotonic() >= giveUpAt) throw await lockedError(database, options)
    await options.clock.sleep(pollMs, options.signal)
    if (options.signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped while waiting for the lock')
  }
}

/** One transaction, or `notLocked` when another process holds the lock or a table that is needed. */
async function attempt<T>(database: Database, engine: MigrationEngine, work: (trx: Trx) => Promise<T>) {
  try {
    return await database.db.transaction().execute(async (trx) => ((await engine.tryLock(trx)) ? work(trx) : notLocked))
  } catch (error) {
    if (database.dialect.classify(error) === 'contention') return notLocked
    throw error
  }
}

async function lockedError(database: Database, { engine, timeoutMs }: LockOptions): Promise<OrchError> {
  const holder = await engine.lockHolder(database).catch(() => null)
  const who = holder === null ? 'another process' : holder
  return new OrchError(
    'ORCH_MIGRATION_LOCKED',
    `The database stayed locked by ${who} for ${Math.round(timeoutMs / 1000)} s; nothing more was migrated`,
    { hint: 'Run `orch db migrate` again when it has finished, or wait longer with --lock-timeout' },
  )
}
