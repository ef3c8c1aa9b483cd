import { presentTables } from '../calls/call-deps.ts'
import { settleOrphans } from '../calls/settle.ts'
import { findStrandedCalls } from '../database/queries/stranded-calls.ts'
import type { SchedulerDeps } from './scheduler-types.ts'

/** Books, at their bound, the calls in flight of jobs that nobody will resume, so that they hold no budget for ever. */
export async function settleStranded({ database, tables, clock, notify }: SchedulerDeps): Promise<void> {
  const jobIds = await findStrandedCalls(database.db, await database.now())
  if (jobIds.length === 0) return
  const present = await presentTables(tables)
  const warnOnce = (_key: string, message: string) => notify({ kind: 'warning', message, hint: null })
  await database.write(async (trx) => {
    for (const jobId of jobIds) await settleOrphans(trx, { clock, warnOnce, present }, { jobId })
  })
}
