/**
 * The one kind of migration that runs outside a transaction: an index built while others go on writing. The lock is
 * held meanwhile by a transaction on another connection that keeps no snapshot and no lock on the table, because
 * the build waits for every transaction that does.
 */
import { CompiledQuery, type Kysely } from 'kysely'
import type { Trx } from '../dialect/dialect.ts'
import type { Tables } from '../tables.ts'
import { recordStep, runStatement, type CommittedStep, type StepContext } from './apply-step.ts'
import { incompleteError, unfinishedIndexes } from './unfinished.ts'

/**
 * A build waits for others' transactions for as long as they take and holds up nobody meanwhile, so its locks have
 * no limit of their own; one that takes this long in all is broken.
 */
const settings = ["set statement_timeout = '6h'", 'set lock_timeout = 0']
/** The server notices a dead migrator by this; older ones do not know it, and some systems cannot. */
const watchSetting = "set client_connection_check_interval = '500ms'"
const resets = 'reset statement_timeout; reset lock_timeout'

/**
 * Builds the index and records it in `trx`, which holds the migration lock. An index whose build failed is there
 * and serves nobody: it is never recorded. Throws ORCH_MIGRATION_INCOMPLETE, naming it, when one is left behind.
 */
export async function buildConcurrently(trx: Trx, context: StepContext): Promise<CommittedStep> {
  const { source, clock, database, step } = context
  const begun = { startedAt: clock.monotonic(), before: await source.engine.takeInventory(trx) }
  const position = step.statements.length
  // Schema and ledger, where they are missing too, come in the transaction.
  for (const [index, statement] of step.statements.slice(0, -1).entries()) {
    await runStatement(trx, database, { step, statement, position: index + 1 })
  }
  const statement = step.statements[position - 1] ?? ''
  // The last query with parameters stays open, and with it its snapshot, until a query without any takes its place.
  await trx.executeQuery(CompiledQuery.raw('select 1'))
  try {
    await database.db.connection().execute(async (connection) => {
      await limitSession(connection)
      await runStatement(connection, database, { step, statement, position })
      await connection.executeQuery(CompiledQuery.raw(resets))
    })
  } catch (error) {
    const left = unfinishedIndexes(step.compiled.statements, await source.engine.readCatalog(trx))
    throw left.length === 0
      ? error
      : incompleteError(left, { schema: source.schema, consequence: 'Nothing more was migrated', cause: error })
  }
  return recordStep(trx, context, begun)
}

async function limitSession(connection: Kysely<Tables>): Promise<void> {
  for (const setting of settings) await connection.executeQuery(CompiledQuery.raw(setting))
  await connection.executeQuery(CompiledQuery.raw(watchSetting)).catch(() => {})
}
