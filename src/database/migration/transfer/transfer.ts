/**
 * Moves a database to the other engine: SQLite to Postgres when several machines come to share the work, and back to
 * take it home. The source is only read. The target gets its tables from orch's own migrations and all rows in one
 * transaction, which is committed only when every table, read back, has the same rows as the source.
 */
import { OrchError } from '../../../errors/orch-error.ts'
import { isServerUrl, openDatabase } from '../../connection.ts'
import { migrationEngine } from '../engine.ts'
import { underMigrationLock } from '../migration-lock.ts'
import { copyTables, emptyTargetHint, type MovedTable } from './copy-tables.ts'
import { findRefused, refusedText, sized, type RefusedValue, type SizedTable } from './refused-value.ts'
import type { TransferOptions } from './transfer-options.ts'
import { readSource, type TransferSource } from './transfer-source.ts'
import { newUniqueRules, strangeColumns, tableNames, transferTables } from './transfer-table.ts'
import { countRows, inspectTarget, type CountedTable, type TransferTarget } from './transfer-target.ts'

export interface TransferPlan {
  readonly from: string
  readonly to: string
  /** Whether the file, or the schema on the server, is there already. */
  readonly targetExists: boolean
  /** Migrations that would be applied there. */
  readonly migrations: number
  /** What would be moved. */
  readonly tables: readonly CountedTable[]
  /** Tables of orch that the source lacks; they would be there, empty. */
  readonly missing: readonly string[]
  /** Columns that are not orch's: their values would stay behind. */
  readonly leftBehind: readonly string[]
  /** Why a real run would refuse to begin, one sentence each. */
  readonly obstacles: readonly Obstacle[]
  /** Every value that the target would refuse; a real run would refuse to begin. */
  readonly refused: readonly RefusedValue[]
}

export interface Obstacle {
  readonly message: string
  readonly hint: string
}

export interface TransferReport extends Omit<TransferPlan, 'obstacles' | 'refused' | 'tables'> {
  readonly tables: readonly MovedTable[]
}

/** What `transfer` would do and what would stop it. Writes nothing on either side. Throws like `transfer`. */
export async function planTransfer(options: TransferOptions): Promise<TransferPlan> {
  refuseSameEngine(options)
  return untilStopped(options, () => readSource(options, async (source) => (await survey(source, options)).plan))
}

/**
 * Moves everything, or nothing. Throws ORCH_CONFLICT (the target holds rows, a scheduler runs on the source, or
 * somebody wrote into it meanwhile), ORCH_VALUES_REFUSED, ORCH_MIGRATION_DRIFT, ORCH_DATABASE_NEWER,
 * ORCH_MIGRATION_LOCKED, ORCH_DATABASE_FAILED (also when what was read back differs) and ORCH_INTERRUPTED.
 */
export async function transfer(options: TransferOptions): Promise<TransferReport> {
  refuseSameEngine(options)
  return untilStopped(options, () =>
    readSource(options, async (source) => {
      const { plan, tables } = await survey(source, options)
      const { obstacles, refused, ...rest } = plan
      refuseObstacles(obstacles)
      if (refused.length > 0) throw valuesRefused(refused)
      return { ...rest, tables: await fillTarget(source, { tables, options }) }
    }),
  )
}

async function untilStopped<T>({ signal }: TransferOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted !== true) throw error
    throw new OrchError('ORCH_INTERRUPTED', 'Stopped: nothing was moved, and the source is as it was', { cause: error })
  }
}

function refuseSameEngine({ from, to }: TransferOptions): void {
  if (isServerUrl(from) !== isServerUrl(to)) return
  throw new OrchError('ORCH_USAGE', 'A transfer moves a database between a SQLite file and a Postgres server', {
    hint: isServerUrl(to)
      ? 'Give --to <file>; the source is a server already'
      : 'Give --to postgres://user@host/database; `orch db backup` copies a file',
  })
}

interface Survey {
  readonly plan: TransferPlan
  readonly tables: readonly SizedTable[]
}

/** The dry run and the real run both begin with this, so they cannot differ. */
async function survey(source: TransferSource, options: TransferOptions): Promise<Survey> {
  const target = await inspectTarget(options)
  const tables = sized(transferTables(target.compiled, source.catalog), await countRows(source.db, source.tables))
  const rules = newUniqueRules(target.compiled, source.catalog)
  const found = obstaclesOf(source, target)
  const known = new Set(source.tables)
  const plan: TransferPlan = {
    from: source.address,
    to: target.address,
    targetExists: target.exists,
    migrations: target.pending,
    tables: tables.map(({ name, rows }) => ({ name, rows })),
    missing: tableNames(target.compiled).filter((name) => !known.has(name)),
    leftBehind: strangeColumns(target.compiled, source.catalog),
    obstacles: found,
    refused: await findRefused(source, { tables, rules }, options),
  }
  return { plan, tables }
}

function obstaclesOf(source: TransferSource, target: TransferTarget): readonly Obstacle[] {
  const schedulers = source.schedulers.map((text) => ({
    message: `A scheduler runs on ${source.address}: ${text}`,
    hint: 'Stop it, so that nothing changes while it is copied; one that was killed counts as running for a minute',
  }))
  if (target.occupied.length === 0) return schedulers
  const held = target.occupied.map(({ name, rows }) => `${name} (${rows})`).join(', ')
  return [{ message: `${target.address} already holds rows: ${held}`, hint: emptyTargetHint }, ...schedulers]
}

function refuseObstacles([first]: readonly Obstacle[]): void {
  if (first !== undefined) throw new OrchError('ORCH_CONFLICT', first.message, { hint: first.hint })
}

const shownValues = 10

function valuesRefused(refused: readonly RefusedValue[]): OrchError {
  const shown = refused.slice(0, shownValues).map((value) => `\n  ${refusedText(value)}`)
  const more = refused.length > shownValues ? `\n  and ${refused.length - shownValues} more` : ''
  return new OrchError(
    'ORCH_VALUES_REFUSED',
    `Nothing was moved: the target would refuse ${refused.length} values${shown.join('')}${more}`,
    { hint: 'See all of them with --dry-run, and mend them in the source' },
  )
}

/** Somebody else who makes tables there is soon done, or the target is not empty any more. */
const lockTimeoutMs = 10_000

interface FillInput {
  readonly tables: readonly SizedTable[]
  readonly options: TransferOptions
}

/** Nothing of it is committed unless all of it is. A file that did not exist stays behind empty after a failure. */
async function fillTarget(source: TransferSource, { tables, options }: FillInput): Promise<readonly MovedTable[]> {
  const database = await openDatabase(options.to, { ...options, create: true, connections: 2 })
  try {
    const engine = await migrationEngine(database.dialect)
    const { clock, signal } = options
    const lock = { engine, clock, timeoutMs: lockTimeoutMs, ...(signal === undefined ? {} : { signal }) }
    return await underMigrationLock(database, lock, (trx) => copyTables(trx, { source, tables, database, options }))
  } finally {
    await database.close()
  }
}
