/**
 * Ending attempts: all that are ready together in one transaction and a handful of statements, however many
 * they are: locks, fence and jobs, attempt rows, dependants, history. An attempt that is no longer current
 * changes nothing (promise 2). Only what is rare goes one by one: interruptions, and what stands behind a dead job.
 */
import { interruptionsToQuarantine, type AttemptEnd } from '../../domain/attempt-end.ts'
import type { JobHold, JobState } from '../../domain/job-state.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { endAttempts } from '../repositories/attempt-repository.ts'
import { appendEvents, type NewJobEvent } from '../repositories/event-repository.ts'
import { releaseLocks } from '../repositories/lock-repository.ts'
import { releaseDependants, skipDependants, type ChangedDependant } from './dependants.ts'
import { endJobs, type JobEnd } from './end-jobs.ts'
import type { AttemptKey } from './fence.ts'
import { waitAgain } from './wait-again.ts'

export interface FinishedAttempt extends AttemptKey {
  readonly projectId: string
  readonly end: AttemptEnd
  /** False where it is known to hold no lock, so that none need be looked for. */
  readonly holdsLocks?: boolean
}

/** Optional tables that exist now. */
export interface OptionalTables {
  readonly events: boolean
  readonly locks: boolean
  readonly errands: boolean
}

export interface FinishOptions {
  readonly ids: Ids
  readonly tables: OptionalTables
  /** Kind of the event that says who ended it; default: by the outcome. */
  readonly eventKind?: string
}

export interface FinishReport extends AttemptKey {
  /** False where the fence refused: somebody else owns the job now. */
  readonly accepted: boolean
  readonly state: JobState | null
  readonly hold: JobHold | null
  readonly runAt: number | null
  readonly released: readonly string[]
  readonly skipped: readonly string[]
}

/** Ends attempts and says what became of each; those that the fence refused are reported, not thrown. */
export async function finishAttempts(
  database: Database,
  finishes: readonly FinishedAttempt[],
  options: FinishOptions,
): Promise<FinishReport[]> {
  if (finishes.length === 0) return []
  return database.write(async (trx) =>
    finishInside(trx, finishes, { ...options, now: await database.dialect.now(trx) }),
  )
}

export interface FinishContext extends FinishOptions {
  readonly now: number
}

/** For a transaction that knows its time already. Reports come in the order of the attempts' job ids. */
export async function finishInside(
  trx: Trx,
  finishes: readonly FinishedAttempt[],
  context: FinishContext,
): Promise<FinishReport[]> {
  // One order for everybody, so that two transactions cannot wait for each other.
  const ordered = finishes.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1))
  // Locks belong to the attempt, not to the job: given back also when the job moved on.
  const holding = ordered.filter(({ holdsLocks }) => holdsLocks !== false)
  if (context.tables.locks) await releaseLocks(trx, holding)
  const ends: JobEnd[] = []
  for (const finish of ordered) {
    const interruptions = finish.end.interruption ? await countInterruption(trx, finish, context) : 0
    ends.push(decided(finish, interruptions, context.now))
  }
  const accepted = await endJobs(trx, ends, context.now)
  const current = ends.filter((end) => accepted.has(end))
  await endAttempts(trx, current, context.now)
  const completed = current.filter(({ end }) => end.state === 'completed').map(({ jobId }) => jobId)
  const released = await releaseDependants(trx, completed, context.now)
  const ready = current.filter(({ end }) => end.state === 'ready').map(({ jobId }) => jobId)
  const stranded = await waitAgain(trx, ready, context.now)
  const reports: FinishReport[] = []
  const events: NewJobEvent[] = []
  for (const end of ends) {
    if (!accepted.has(end)) {
      reports.push(refused(end))
      events.push(eventOf(end, 'rejected_write', { verb: 'finish', outcome: end.end.outcome }))
      continue
    }
    const skipped = isDead(end) ? await skipDependants(trx, end.jobId, context) : []
    reports.push(report(end, { released: released.get(end.jobId) ?? [], skipped }))
    events.push(endedEvent(end, context.eventKind))
    if (end.hold !== null) events.push(eventOf(end, 'quarantined', { interruptions: end.interruptions }))
    for (const job of skipped) events.push(skippedEvent(job, end.jobId))
  }
  events.push(...stranded.map((job) => skippedEvent(job, job.cause)))
  if (context.tables.events) await appendEvents(trx, events, { ids: context.ids, at: context.now })
  return reports
}

function decided({ jobId, attempt, projectId, end }: FinishedAttempt, interruptions: number, now: number): JobEnd {
  const hold = interruptions >= interruptionsToQuarantine ? ('quarantine' as const) : null
  return { jobId, attempt, projectId, end, interruptions, hold, runAt: startAgainAt(end, now) }
}

function startAgainAt(end: AttemptEnd, now: number): number | null {
  if (end.again === null) return null
  return 'delayMs' in end.again ? now + Math.ceil(end.again.delayMs) : Math.ceil(end.again.untilMs)
}

/** Progress starts the count again: only an attempt that committed nothing new counts. */
async function countInterruption(trx: Trx, key: AttemptKey, context: FinishContext): Promise<number> {
  if (context.tables.errands) {
    const progress = await trx
      .selectFrom('errands')
      .select('id')
      .where('job_id', '=', key.jobId)
      .where('attempt', '=', key.attempt)
      .where('status', '=', 'done')
      // What is observed before the first errand has the place 0: it costs nothing and moves nothing on.
      .where('ordinal', '>', 0)
      .limit(1)
      .executeTakeFirst()
    if (progress !== undefined) return 0
  }
  const row = await trx.selectFrom('jobs').select('interruptions').where('id', '=', key.jobId).executeTakeFirst()
  return (row?.interruptions ?? 0) + 1
}

function isDead({ end }: JobEnd): boolean {
  return end.state === 'failed' || end.state === 'cancelled'
}

function refused({ jobId, attempt }: JobEnd): FinishReport {
  return { jobId, attempt, accepted: false, state: null, hold: null, runAt: null, released: [], skipped: [] }
}

function report(
  { jobId, attempt, end, hold, runAt }: JobEnd,
  { released, skipped }: { readonly released: readonly string[]; readonly skipped: readonly ChangedDependant[] },
): FinishReport {
  const ids = skipped.map((job) => job.id)
  return { jobId, attempt, accepted: true, state: end.state, hold, runAt, released, skipped: ids }
}

function eventOf(end: JobEnd, kind: string, data: NewJobEvent['data']): NewJobEvent {
  return { projectId: end.projectId, jobId: end.jobId, attempt: end.attempt, kind, data }
}

function endedEvent(ended: JobEnd, kind: string | undefined): NewJobEvent {
  const { end, interruptions, runAt } = ended
  const retry = end.outcome === 'failed' && end.state === 'ready'
  // Filled only where there is something to say: thousands of these are made a second.
  const data: Record<string, unknown> = {}
  if (end.reason !== null) data.reason = end.reason
  if (end.failure !== null) Object.assign(data, { errorClass: end.failure.errorClass, message: end.failure.message })
  if (end.waitsFor !== null) data.waitsFor = end.waitsFor
  if (runAt !== null) data.runAt = runAt
  if (end.rehearsed) data.rehearsed = true
  if (end.interruption) data.interruptions = interruptions
  return eventOf(ended, kind ?? (retry ? 'retrying' : end.outcome), data)
}

function skippedEvent(job: ChangedDependant, because: string): NewJobEvent {
  return { projectId: job.projectId, jobId: job.id, attempt: null, kind: 'skipped', data: { because } }
}
