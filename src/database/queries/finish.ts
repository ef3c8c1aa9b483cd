/**
 * Ending attempts: one transaction for all that are ready together. Per attempt: fence, job, attempt
 * row, locks, dependants, history. An attempt that is no longer current changes nothing (promise 2).
 */
import { interruptionsToQuarantine, type AttemptEnd } from '../../domain/attempt-end.ts'
import type { JobHold, JobState } from '../../domain/job-state.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { toJson } from '../json.ts'
import { endAttempt } from '../repositories/attempt-repository.ts'
import { appendEvents, type NewJobEvent } from '../repositories/event-repository.ts'
import { releaseLocks } from '../repositories/lock-repository.ts'
import { releaseDependants, skipDependants, type ChangedDependant } from './dependants.ts'
import type { AttemptKey } from './fence.ts'

export interface FinishedAttempt extends AttemptKey {
  readonly projectId: string
  readonly end: AttemptEnd
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
  return database.write((trx) => finishTogether(trx, database, { finishes, options }))
}

/** The same inside a transaction of the caller's. */
export async function finishTogether(
  trx: Trx,
  { dialect }: Pick<Database, 'dialect'>,
  { finishes, options }: { readonly finishes: readonly FinishedAttempt[]; readonly options: FinishOptions },
): Promise<FinishReport[]> {
  // One order for everybody, so that two transactions cannot wait for each other.
  const ordered = finishes.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1))
  const now = await dialect.now(trx)
  return finishInside(trx, ordered, { ...options, now, lockRows: dialect.skipsLocked })
}

export interface FinishContext extends FinishOptions {
  readonly now: number
  readonly lockRows: boolean
}

/** For a transaction that knows its time already; in the order given. */
export async function finishInside(
  trx: Trx,
  finishes: readonly FinishedAttempt[],
  context: FinishContext,
): Promise<FinishReport[]> {
  const reports: FinishReport[] = []
  const events: NewJobEvent[] = []
  for (const finish of finishes) {
    const report = await finishOne(trx, finish, context)
    reports.push(report.report)
    events.push(...report.events)
  }
  if (context.tables.events) await appendEvents(trx, events, { ids: context.ids, at: context.now })
  return reports
}

async function finishOne(trx: Trx, finish: FinishedAttempt, context: FinishContext) {
  const { jobId, attempt, end } = finish
  // Locks belong to the attempt, not to the job: given back also when the job moved on.
  if (context.tables.locks) await releaseLocks(trx, finish)
  const interruptions = end.interruption ? await countInterruption(trx, finish, context) : 0
  const hold = interruptions >= interruptionsToQuarantine ? ('quarantine' as const) : null
  const runAt = startAgainAt(end, context.now)
  if (!(await updateJob(trx, finish, { now: context.now, interruptions, hold, runAt }))) {
    const report = {
      jobId,
      attempt,
      accepted: false,
      state: null,
      hold: null,
      runAt: null,
      released: [],
      skipped: [],
    }
    return {
      report,
      events: [eventOf(finish, 'rejected_write', { verb: 'finish', outcome: end.outcome })],
    }
  }
  await endAttempt(trx, finish, { end, at: context.now })
  const released = end.state === 'completed' ? await releaseDependants(trx, jobId, context) : []
  const dead = end.state === 'failed' || end.state === 'cancelled'
  const skipped = dead ? await skipDependants(trx, jobId, context) : []
  const report: FinishReport = {
    jobId,
    attempt,
    accepted: true,
    state: end.state,
    hold,
    runAt,
    released: released.map((job) => job.id),
    skipped: skipped.map((job) => job.id),
  }
  return {
    report,
    events: eventsOf(finish, { report, skipped, kind: context.eventKind, interruptions }),
  }
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
      .limit(1)
      .executeTakeFirst()
    if (progress !== undefined) return 0
  }
  const row = await trx.selectFrom('jobs').select('interruptions').where('id', '=', key.jobId).executeTakeFirst()
  return (row?.interruptions ?? 0) + 1
}

interface Consequence {
  readonly now: number
  readonly interruptions: number
  readonly hold: JobHold | null
  readonly runAt: number | null
}

async function updateJob(trx: Trx, { jobId, attempt, end }: FinishedAttempt, then: Consequence): Promise<boolean> {
  const ready = end.state === 'ready'
  const { numUpdatedRows } = await trx
    .updateTable('jobs')
    .set((eb) => ({
      state: end.state,
      try: end.nextTry ? eb('try', '+', 1) : eb.ref('try'),
      interruptions: then.interruptions,
      lease_owner: null,
      lease_expires_at: null,
      waits_for: end.waitsFor,
      rehearsed: end.rehearsed ? 1 : eb.ref('rehearsed'),
      updated_at: then.now,
      ...(then.hold === null ? {} : { hold: then.hold, hold_reason: `${then.interruptions} interruptions in a row` }),
      ...(then.runAt === null ? {} : { run_at: then.runAt }),
      // An interrupted or waiting try keeps its place in the order; another try stands in line anew.
      ...(ready && end.nextTry ? { ready_at: then.now } : {}),
      ...(ready ? {} : { finished_at: then.now }),
      ...(end.result === null ? {} : { result: toJson(end.result) }),
      ...(end.state === 'completed' ? { error: null } : {}),
      ...(end.failure === null ? {} : { error: toJson(end.failure) }),
    }))
    .where('id', '=', jobId)
    .where('attempt', '=', attempt)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

function eventOf(finish: FinishedAttempt, kind: string, data: NewJobEvent['data']): NewJobEvent {
  return { projectId: finish.projectId, jobId: finish.jobId, attempt: finish.attempt, kind, data }
}

interface Ended {
  readonly report: FinishReport
  readonly skipped: readonly ChangedDependant[]
  readonly kind: string | undefined
  readonly interruptions: number
}

function eventsOf(finish: FinishedAttempt, { report, skipped, kind, interruptions }: Ended): NewJobEvent[] {
  const { end } = finish
  const retry = end.outcome === 'failed' && end.state === 'ready'
  const data = {
    ...(end.reason === null ? {} : { reason: end.reason }),
    ...(end.failure === null ? {} : { errorClass: end.failure.errorClass, message: end.failure.message }),
    ...(end.waitsFor === null ? {} : { waitsFor: end.waitsFor }),
    ...(report.runAt === null ? {} : { runAt: report.runAt }),
    ...(end.rehearsed ? { rehearsed: true } : {}),
    ...(end.interruption ? { interruptions } : {}),
  }
  const events = [eventOf(finish, kind ?? (retry ? 'retrying' : end.outcome), data)]
  if (report.hold !== null) events.push(eventOf(finish, 'quarantined', { interruptions }))
  for (const job of skipped) {
    events.push({
      projectId: job.projectId,
      jobId: job.id,
      attempt: null,
      kind: 'skipped',
      data: { because: finish.jobId },
    })
  }
  return events
}
