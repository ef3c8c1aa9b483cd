/** Promise 12, its second half: an index is built while others write and a second migrator waits in line. */
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database } from '../../../src/database/connection.ts'
import type { Trx } from '../../../src/database/dialect/dialect.ts'
import { createNotes, noteMigration } from '../../support/migration-fixtures.ts'
import { exactly, type Figure, type Scene } from '../line.ts'
import { apply, dryRun, exitCodeOf, inBareDatabase, type BareDatabase } from './bare-database.ts'

const addIndex = noteMigration((db) => db.schema.createIndex('notes_more').on('notes').column('body').execute(), {
  indexes: ['notes_more'],
  transaction: false,
})
const migrations = [createNotes, addIndex]

export async function buildFigures(scene: Scene): Promise<readonly Figure[]> {
  return [...(await queued(scene)), ...(await failed(scene))]
}

/** The build waits for an old snapshot; meanwhile a second migrator asks for the lock, and others write. */
async function queued(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async (bare) => {
    const { database, connect } = bare
    await apply(database, [createNotes])
    const second = await connect()
    try {
      const { building, waiting } = await whileOldReaderReads(bare, async () => {
        const first = apply(database, migrations)
        await untilBuilding(second)
        const other = apply(second, migrations)
        // Long enough for several rounds of asking for the lock, and for the server to look for a deadlock.
        await pause(1300)
        await sql`insert into notes (id, body) values ('b', 'written meanwhile')`.execute(second.db)
        return { building: first, waiting: other }
      })
      const [built, waited] = [await building, await waiting]
      const ledger = await database.db.selectFrom('orch_migrations').select('name').execute()
      return [
        exactly('migrations of the one that builds an index concurrently', built.steps.length, 1),
        exactly('migrations of the one that waits in line', waited.steps.length, 0),
        exactly('rows of the ledger for the index', ledger.filter(({ name }) => name === addIndex.name).length, 1),
        exactly('valid indexes', (await isValid(database)) === true ? 1 : 0, 1),
      ]
    } finally {
      await second.close()
    }
  })
}

/** The build is cancelled halfway and leaves an index that serves nobody. */
async function failed(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async (bare) => {
    const { database, connect } = bare
    await apply(database, [createNotes])
    const second = await connect()
    try {
      const { code } = await whileOldReaderReads(bare, async () => {
        const call = exitCodeOf(apply(database, migrations))
        await untilBuilding(second)
        await sql`select pg_cancel_backend(pid) from pg_stat_activity where ${isBuild}`.execute(second.db)
        return { code: await call }
      })
      const left = await isValid(database)
      const again = await exitCodeOf(apply(database, migrations))
      const { problems } = await dryRun(bare, migrations)
      const recorded = await database.db.selectFrom('orch_migrations').select('name').execute()
      await sql`reindex index concurrently notes_more`.execute(database.db)
      const healed = await apply(database, migrations)
      return [
        exactly('exit code of a build that fails', code, 13),
        exactly('invalid indexes that it leaves', left === false ? 1 : 0, 1),
        exactly('exit code of the next run', again, 13),
        exactly('problems that the dry run names', problems.filter((text) => text.includes('notes_more')).length, 1),
        exactly('invalid indexes recorded as applied', recorded.filter(({ name }) => name === addIndex.name).length, 0),
        exactly('migrations recorded once it is rebuilt', healed.steps.length, 1),
      ]
    } finally {
      await second.close()
    }
  })
}

/** A transaction with a snapshot, which a concurrent build waits for; it ends when the work has begun all it wants. */
async function whileOldReaderReads<T>({ connect }: BareDatabase, work: () => Promise<T>): Promise<T> {
  const old = await connect()
  try {
    const transaction = old.db.transaction().setIsolationLevel('repeatable read')
    return await transaction.execute(async (trx: Trx) => {
      await sql`select 1`.execute(trx)
      return work()
    })
  } finally {
    await old.close()
  }
}

const isBuild = sql<boolean>`query like 'create index concurrently%' and state = 'active' and wait_event_type = 'Lock'`

async function untilBuilding({ db }: Database): Promise<void> {
  for (let round = 0; round < 500; round++) {
    const { rows } = await sql`select 1 from pg_stat_activity where ${isBuild}`.execute(db)
    if (rows.length > 0) return
    await pause(20)
  }
  throw new Error('the build did not begin to wait')
}

async function isValid({ db }: Database): Promise<boolean | null> {
  const { rows } = await sql<{ valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass('notes_more')`.execute(db)
  return rows[0]?.valid ?? null
}
