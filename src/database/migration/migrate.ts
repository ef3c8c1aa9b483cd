import type { Clock } from '../../runtime/clock.ts'
import type { Database } from '../connection.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { applyStep, type CommittedStep, type StepContext } from './apply-step.ts'
import { buildConcurrently } from './build-concurrently.ts'
import type { Migration } from './migration.ts'
import { underMigrationLock } from './migration-lock.ts'
import {
  insideTransaction,
  prepareSteps,
  selectSteps,
  type MigrationSource,
  type SelectedSteps,
} from './migration-step.ts'
import { isUnfinished, readState, refuseDrift, type DatabaseState } from './migration-state.ts'

export interface MigrateOptions {
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly toolVersion: string
  /** Stop after this migration. Forward only. */
  readonly to?: string
  /** How long to ask for the migration lock; default 30 s. */
  readonly lockTimeoutMs?: number
  /** Ends the run between two migrations. */
  readonly signal?: AbortSignal
  /** Awaited once, before the first statement of a run that has something to do; what it throws ends the run. */
  readonly beforeFirst?: () => Promise<void>
  /** Told after each migration that was committed. */
  readonly onStep?: (step: CommittedStep) => void
}

export interface MigrationReport {
  /** What this run committed; empty when there was nothing to do. */
  readonly steps: readonly CommittedStep[]
  /** Migrations that remain open: those after `to`, or after the signal. */
  readonly remaining: number
  /** Whether this run made the schema, on engines that have schemas. */
  readonly createdSchema: boolean
}

const defaultLockTimeoutMs = 30_000
/** How long the one that migrates may take to show its next commit before another takes over. */
const yieldMs = 1000

/**
 * Applies what is open, each migration in one transaction of its own, selected anew after the lock is
 * held; so any number of processes may run this at once and each migration is applied exactly once.
 * With nothing open it neither locks nor writes.
 * Throws ORCH_MIGRATION_REFUSED (a migration would change or destroy), ORCH_MIGRATION_DRIFT and
 * ORCH_DATABASE_NEWER (ledger, catalog and migrations disagree), ORCH_MIGRATION_INCOMPLETE (the build of an index
 * failed), ORCH_MIGRATION_LOCKED, ORCH_DATABASE_FAILED (a statement failed; its migration left nothing behind).
 */
export async function migrate(database: Database, options: MigrateOptions): Promise<MigrationReport> {
  const source = await prepareSteps(database.dialect, options.migrations)
  const steps: CommittedStep[] = []
  const state = await readState(database.db, source)
  // An index that is not valid may be one that is being built: only who holds the lock can tell.
  let undecided = isUnfinished(state)
  if (!undecided) refuseDrift(state)
  let open = selectSteps(source, state, options.to)
  let { lastSequence } = state
  if (open.steps.length > 0) await options.beforeFirst?.()
  while ((undecided || open.steps.length > 0) && options.signal?.aborted !== true) {
    undecided = false
    const next = await commitNext(database, source, { options, lastSequence, isMigrator: steps.length > 0 })
    open = next.left
    lastSequence = next.lastSequence
    if (next.committed === null) {
      if (open.steps.length > 0) await options.clock.sleep(yieldMs, options.signal)
      continue
    }
    steps.push(next.committed)
    options.onStep?.(next.committed)
  }
  const createdSchema = steps.some(({ statements }) => statements[0] === source.schemaSql)
  return { steps, remaining: open.remaining + open.steps.length, createdSchema }
}

/**
 * Applies everything that is open inside a transaction of the caller, who holds the migration lock: the tables are
 * committed with what the caller then writes into them, or not at all. Throws like `migrate`.
 */
export async function migrateWithin(
  trx: Trx,
  database: Database,
  options: MigrateOptions,
): Promise<readonly CommittedStep[]> {
  const source = await prepareSteps(database.dialect, options.migrations)
  const steps: CommittedStep[] = []
  for (;;) {
    const state = await readSoundState(trx, source)
    const [step] = selectSteps(source, state, options.to).steps
    if (step === undefined) return steps
    const { clock, toolVersion } = options
    steps.push(await applyStep(trx, { step: insideTransaction(step), state, source, database, clock, toolVersion }))
  }
}

async function readSoundState(db: Db, source: MigrationSource): Promise<DatabaseState> {
  const state = await readState(db, source)
  refuseDrift(state)
  return state
}

interface Run {
  readonly options: MigrateOptions
  /** The ledger's last sequence number when this run looked last. */
  readonly lastSequence: number
  /** Whether this run has committed something. */
  readonly isMigrator: boolean
}

interface NextCommit {
  /** Null when another process has done everything meanwhile, or is doing it. */
  readonly committed: CommittedStep | null
  readonly left: SelectedSteps
  readonly lastSequence: number
}

/**
 * Commits the first migration that is open once the lock is held. While another process migrates, which shows in
 * the ledger that grew since the last look, the lock is left to it: so of many that start together one does all.
 */
async function commitNext(database: Database, source: MigrationSource, run: Run): Promise<NextCommit> {
  const { options } = run
  const { clock, signal, lockTimeoutMs: timeoutMs = defaultLockTimeoutMs } = options
  const lock = { engine: source.engine, clock, timeoutMs, ...(signal === undefined ? {} : { signal }) }
  return underMigrationLock(database, lock, async (trx) => {
    const state = await readSoundState(trx, source)
    const { steps, remaining } = selectSteps(source, state, options.to)
    const [step, ...rest] = steps
    const grown = state.lastSequence !== run.lastSequence
    if (step === undefined || (grown && !run.isMigrator)) {
      return { committed: null, left: { steps, remaining }, lastSequence: state.lastSequence }
    }
    const context: StepContext = { step, state, source, database, clock, toolVersion: options.toolVersion }
    const committed = step.concurrent ? await buildConcurrently(trx, context) : await applyStep(trx, context)
    return { committed, left: { steps: rest, remaining }, lastSequence: state.lastSequence + 1 }
  })
}
