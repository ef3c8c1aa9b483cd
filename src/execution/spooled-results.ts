/** Results that were received (and perhaps paid for) by a process that did not live to commit them. */
import { presentTables, type CallDeps } from '../calls/call-deps.ts'
import { settle, type Settlement } from '../calls/settle.ts'
import { spoolOf, type Spool, type SpoolEntry } from '../calls/spool.ts'
import { holdsAttempt, type AttemptKey } from '../database/queries/fence.ts'
import { findStartedCalls, readErrandStandings } from '../database/queries/started-errands.ts'
import { updateErrand } from '../database/repositories/errand-repository.ts'

/**
 * Commits the replies that dead attempts left in the spool of this host, each under the token of its attempt, which
 * is current until its job is given back. Call it before that: then no other host asks again for what is here.
 * Returns how many there were.
 */
export async function settleSpooled(deps: CallDeps, attempts: readonly AttemptKey[]): Promise<number> {
  const spool = spoolOf(deps)
  const waiting = new Set(await spool.ids())
  const present = await presentTables(deps.tables, ['errands'])
  if (waiting.size === 0 || !present.has('errands')) return 0
  const numbers = new Map(attempts.map(({ jobId, attempt }) => [jobId, attempt]))
  let settled = 0
  for (const errand of await findStartedCalls(deps.database.db, [...numbers.keys()])) {
    const attempt = numbers.get(errand.jobId)
    const entry = waiting.has(errand.id) ? await takeOwn(deps, spool, errand.id) : null
    if (entry === null || attempt === undefined || entry.requestHash !== errand.requestHash) continue
    const committed = await deps.database.write(async (trx) => {
      if (!(await holdsAttempt(trx, { jobId: errand.jobId, attempt }))) return false
      const endedAt = await deps.database.dialect.now(trx)
      const { output } = entry
      await updateErrand(trx, errand.id, { status: 'done', output, errorClass: null, attempt, endedAt })
      if (entry.settlement !== null) await settle(trx, { ...deps, present }, entry.settlement as Settlement)
      return true
    })
    if (!committed) continue
    await spool.remove(errand.id)
    settled += 1
  }
  return settled
}

/**
 * Empties the spool of what no attempt will take any more: results that are committed, and those of tries that are
 * over, whose money is booked as stale. What belongs to another database, or may still be resumed, stays.
 */
export async function sweepSpool(deps: CallDeps): Promise<void> {
  const spool = spoolOf(deps)
  const ids = await spool.ids()
  const present = await presentTables(deps.tables, ['errands'])
  if (ids.length === 0 || !present.has('errands')) return
  for (const { id, committed, resumes } of await readErrandStandings(deps.database.db, ids)) {
    if (resumes) continue
    const entry = await takeOwn(deps, spool, id)
    if (entry === null) continue
    const settlement = entry.settlement as Settlement | null
    if (!committed && settlement !== null) {
      await deps.database.write((trx) => settle(trx, { ...deps, present }, { ...settlement, outcome: 'stale' }))
    }
    await spool.remove(id)
  }
}

async function takeOwn({ database }: CallDeps, spool: Spool, id: string): Promise<SpoolEntry | null> {
  const entry = await spool.take(id)
  return entry?.database === database.address ? entry : null
}
