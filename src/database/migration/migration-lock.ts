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

/** How often the migration lock is asked for. */
const pollMs = 50
/** After a table's lock was not to be had: as long again at least as everybody behind the request had to wait. */
const longestBackoffMs = 2000

/** Why a round did not do the work. */
type Refused =
  /** Another migrator holds the lock. */
  | 'held'
  /** A table that is needed is in use by somebody, or the engine has one writer and it is not us. */
  | 'contended'

/**
 * Runs work in one transaction that holds the migration lock; the lock ends with the transaction, so a
 * killed migrator leaves none behind. The lock is asked for again and again rather than waited for:
 * a waiter in the server's queue would stall everybody behind it. Work that meets a table in use is undone,
 * given up for a while that doubles each time, and done again.
 * Throws ORCH_MIGRATION_LOCKED, naming who is in the way where the engine knows it, when the time is up.
 */
export async function underMigrationLock<T>(
  database: Database,
  options: LockOptions,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  const giveUpAt = options.clock.monotonic() + options.timeoutMs
  let backoffMs = pollMs
  for (;;) {
    const round = await attempt(database, options.engine, work)
    if (round.refused === null) return round.result
    if (options.clock.monotonic() >= giveUpAt) throw await lockedError(database, options, round.refused)
    await options.clock.sleep(round.refused === 'held' ? pollMs : backoffMs, options.signal)
    if (options.signal?.aborted === true) throw new OrchError('ORCH_INTERRUPTED', 'Stopped while waiting for the lock')
    if (round.refused === 'contended' && database.dialect.skipsLocked) {
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
    }
  }
}

type Round<T> = { readonly refused: Refused } | { readonly refused: null; readonly result: T }

/** One transaction. It reads what was committed before each statement, so also what the last holder did. */
async function attempt<T>(database: Database, engine: MigrationEngine, work: (trx: Trx) => Promise<T>) {
  const transaction = database.db.transaction().setIsolationLevel('read committed')
  try {
    return await transaction.execute(async (trx): Promise<Round<T>> => {
      if (!(await engine.tryLock(trx))) return { refused: 'held' }
      await requireLock(trx, engine)
      const result = await work(trx)
      await requireLock(trx, engine)
      return { refused: null, result }
    })
  } catch (error) {
    if (database.dialect.classify(error) === 'contention') return { refused: 'contended' } satisfies Round<T>
    throw error
  }
}

/** What the engine answered is checked against what it shows to everybody. */
async function requireLock(trx: Trx, engine: MigrationEngine): Promise<void> {
  if (await engine.holdsLock(trx)) return
  throw new OrchError('ORCH_MIGRATION_LOCKED', 'The server gave the migration lock and does not show it as held', {
    hint: 'Name the server itself rather than a pooler in front of it; nothing of this migration was kept',
  })
}

async function lockedError(
  database: Database,
  { engine, timeoutMs }: LockOptions,
  refused: Refused,
): Promise<OrchError> {
  const holder = await engine.lockHolder(database).catch(() => null)
  const users = refused === 'held' ? [] : await engine.tableUsers(database.db).catch(() => [])
  const who = users.length > 0 ? users.join(' and ') : (holder ?? 'another process')
  return new OrchError(
    'ORCH_MIGRATION_LOCKED',
    `The database stayed locked by ${who} for ${Math.round(timeoutMs / 1000)} s; nothing more was migrated`,
    { hint: 'Run `orch db migrate` again when it has finished, or wait longer with --lock-timeout' },
  )
}
