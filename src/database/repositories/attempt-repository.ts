import type { Evidence, JobFailure } from '../../domain/job.ts'
import type { AttemptEnd } from '../../domain/attempt-end.ts'
import type { AttemptOutcome } from '../../domain/job-state.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import type { AttemptKey } from '../queries/fence.ts'

/** One run of a job, as it is kept. */
export interface AttemptRecord {
  readonly jobId: string
  readonly number: number
  readonly try: number
  readonly schedulerId: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: AttemptOutcome | null
  readonly errorClass: string | null
  readonly failure: JobFailure | null
  readonly evidence: readonly Evidence[]
}

export interface NewAttempt {
  readonly jobId: string
  readonly number: number
  readonly try: number
}

/** Records that attempts started. */
export async function insertAttempts(
  trx: Trx,
  attempts: readonly NewAttempt[],
  by: { readonly schedulerId: string; readonly at: number },
): Promise<void> {
  if (attempts.length === 0) return
  const rows = attempts.map((attempt) => ({
    job_id: attempt.jobId,
    number: attempt.number,
    try: attempt.try,
    scheduler_id: by.schedulerId,
    started_at: by.at,
  }))
  await trx.insertInto('attempts').values(rows).execute()
}

/** Ends an attempt's row. The caller has proven by the fence that the attempt is current. */
export async function endAttempt(
  trx: Trx,
  key: AttemptKey,
  ended: { readonly end: AttemptEnd; readonly at: number },
): Promise<void> {
  const { end, at } = ended
  await trx
    .updateTable('attempts')
    .set({
      ended_at: at,
      outcome: end.outcome,
      error_class: end.failure?.errorClass ?? null,
      error: end.failure === null ? null : toJson(end.failure),
      evidence: end.evidence.length === 0 ? null : toJson(end.evidence),
    })
    .where('job_id', '=', key.jobId)
    .where('number', '=', key.attempt)
    .where('ended_at', 'is', null)
    .execute()
}

/** A job's attempts, first to last. */
export async function listAttempts(db: Db, jobId: string): Promise<AttemptRecord[]> {
  const rows = await db.selectFrom('attempts').selectAll().where('job_id', '=', jobId).orderBy('number').execute()
  return rows.map((row) => ({
    jobId: row.job_id,
    number: row.number,
    try: row.try,
    schedulerId: row.scheduler_id,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    errorClass: row.error_class,
    failure: fromJson<JobFailure>(row.error),
    evidence: fromJson<Evidence[]>(row.evidence) ?? [],
  }))
}
