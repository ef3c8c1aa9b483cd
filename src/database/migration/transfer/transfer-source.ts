/** The database that moves: one moment of it, and proof that nobody wrote into it meanwhile. */
import { CompiledQuery, sql } from 'kysely'
import { OrchError } from '../../../errors/orch-error.ts'
import { filePath, isServerUrl, type Database } from '../../connection.ts'
import type { Db } from '../../dialect/dialect.ts'
import { listSchedulerInstances, type SchedulerInstance } from '../../repositories/scheduler-instance-repository.ts'
import type { Catalog } from '../catalog.ts'
import { readState, refuseDrift } from '../migration-state.ts'
import { prepareSteps, type MigrationSource } from '../migration-step.ts'
import { openForReading } from '../open-for-reading.ts'
import { fileMark, tablesMark } from './content-mark.ts'
import { transferEngine, type TransferEngine } from './transfer-engine.ts'
import type { TransferOptions } from './transfer-options.ts'
import { tableNames } from './transfer-table.ts'

export interface TransferSource {
  /** Reads one moment; refuses writes. */
  readonly db: Db
  readonly engine: TransferEngine
  readonly address: string
  readonly catalog: Catalog
  /** Tables of orch that the source has. */
  readonly tables: readonly string[]
  /** Schedulers that may be at work in it. */
  readonly schedulers: readonly string[]
  /**
   * Ends the reading. Throws ORCH_CONFLICT when somebody wrote into the source since it was opened; where the file
   * changed and `isSame` finds the same content in it, nobody did: it was only tidied up.
   */
  refuseChange(isSame: (db: Db) => Promise<boolean>): Promise<void>
}

/**
 * Opens the source for a look that leaves no trace, gives one moment of it to `work`, and closes it.
 * Throws ORCH_NOT_FOUND where nothing of orch is there, and like `openForReading` and `refuseDrift`.
 */
export async function readSource<T>(
  options: TransferOptions,
  work: (source: TransferSource) => Promise<T>,
): Promise<T> {
  const file = isServerUrl(options.from) ? null : filePath(options.from)
  // Before it is opened, because what is opened may be a copy of it.
  const markOfFile = file === null ? null : await fileMark(file)
  const reading = await openForReading(options.from, options)
  try {
    if (!reading.exists) throw nothingThere(reading.address)
    const { database, address } = reading
    const engine = await transferEngine(database.dialect)
    const migrations = await prepareSteps(database.dialect, options.migrations)
    return await database.db.connection().execute(async (db) => {
      const { tables: existing } = await migrations.engine.readCatalog(db)
      const tables = tableNames(migrations.migrations).filter((name) => existing.has(name))
      const { schema } = database.dialect
      const mark = () => (file === null ? tablesMark(db, schema ?? '', tables) : fileMark(file))
      const before = markOfFile ?? (await mark())
      const snapshot = await beginSnapshot(db, engine)
      try {
        const sound = await soundSource({ db, migrations, database, address, options })
        const refuseChange: TransferSource['refuseChange'] = async (isSame) => {
          await snapshot.end()
          if ((await mark()) === before || (await lookAgain(options, engine, isSame))) return
          throw changed(address)
        }
        return await work({ ...sound, db, engine, address, tables, refuseChange })
      } finally {
        await snapshot.end()
      }
    })
  } finally {
    await reading.close()
  }
}

/** Another command that closes a file moves its log into it, which changes bytes and no row. */
async function lookAgain(
  options: TransferOptions,
  engine: TransferEngine,
  isSame: (db: Db) => Promise<boolean>,
): Promise<boolean> {
  const reading = await openForReading(options.from, options)
  try {
    return await reading.database.db.connection().execute(async (db) => {
      const snapshot = await beginSnapshot(db, engine)
      try {
        return await isSame(db)
      } finally {
        await snapshot.end()
      }
    })
  } finally {
    await reading.close()
  }
}

async function beginSnapshot(db: Db, engine: TransferEngine) {
  await db.executeQuery(CompiledQuery.raw(engine.beginReading))
  let open = true
  const end = async () => {
    if (!open) return
    open = false
    await sql`rollback`.execute(db)
  }
  return { end }
}

interface SoundInput {
  readonly db: Db
  readonly migrations: MigrationSource
  readonly database: Database
  readonly address: string
  readonly options: TransferOptions
}

async function soundSource({ db, migrations, database, address, options }: SoundInput) {
  refuseDrift(await readState(db, migrations), `Nothing was moved out of ${address}`)
  const catalog = await migrations.engine.readCatalog(db)
  if (!tableNames(migrations.migrations).some((name) => catalog.tables.has(name))) throw nothingThere(address)
  const instances = catalog.tables.has('scheduler_instances') ? await listSchedulerInstances(db, 0) : []
  const now = await database.dialect.now(db)
  const running = instances.filter((instance) => mayBeRunning(instance, now, options))
  return { catalog, schedulers: running.map((instance) => schedulerText(instance, now)) }
}

/** As long as a lease: whoever was killed without a goodbye counts as running until then, where nobody can know. */
const quietMs = 60_000

function mayBeRunning(instance: SchedulerInstance, now: number, { isAlive }: TransferOptions): boolean {
  if (instance.stoppedAt !== null) return false
  return isAlive?.(instance) ?? now - instance.heartbeatAt <= quietMs
}

function schedulerText({ pid, host, heartbeatAt }: SchedulerInstance, now: number): string {
  return `process ${pid} on ${host}, heard of ${Math.max(0, Math.round((now - heartbeatAt) / 1000))} s ago`
}

function nothingThere(address: string): OrchError {
  return new OrchError('ORCH_NOT_FOUND', `There is nothing of orch in ${address}, so there is nothing to move`, {
    hint: 'Name the database that is to be moved with --db',
  })
}

function changed(address: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${address} was written to while it was copied; nothing of the copy was kept`, {
    hint: 'Stop whatever works with it (`orch jobs run`, other commands) and transfer again',
  })
}
