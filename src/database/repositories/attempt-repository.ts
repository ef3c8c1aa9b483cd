import { sql } from 'kysely'
import type { Evidence, JobFailure } from '../../domain/job.ts'
import type { AttemptEnd } from '../../domain/attempt-end.ts'
import type { AttemptOutcome } from '../../domain/job-state.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { lateAnswer } from '../dialect/late-answer.ts'
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
  await insertGiven(trx, { given: attempts, schedulerId: by.schedulerId, at: by.at })
}

const insertGiven = hotStatement<'given' | 'schedulerId' | 'at', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
    insert into attempts (job_id, number, try, scheduler_id, started_at)
    select "jobId", number, try, ${slot('schedulerId')}, ${slot('at')}
    from ${adapter.givenRows(slot('given'), { jobId: 'text', number: 'integer', try: 'integer' })}`.compile(db),
  ),
)

export interface EndedAttempt extends AttemptKey {
  readonly end: Pick<AttemptEnd, 'outcome' | 'failure' | 'evidence'>
}

/** Ends attempts' rows. The caller has proven by the fence that each attempt is current. */
export async function endAttempts(trx: Trx, ended: readonly EndedAttempt[], at: number): Promise<void> {
  if (ended.length === 0) return
  const rows = ended.map(({ jobId, attempt, end }) => ({
    job: jobId,
    ended: attempt,
    how: end.outcome,
    class: end.failure?.errorClass ?? null,
    failure: end.failure === null ? null : toJson(end.failure),
    seen: end.evidence.length === 0 ? null : toJson(end.evidence),
  }))
  await endGiven(trx, { given: rows, at })
}

const endColumns = { job: 'text', ended: 'integer', how: 'text', class: 'text', failure: 'text', seen: 'text' } as const

const endGiven = hotStatement<'given' | 'at', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
    update attempts
    set ended_at = ${slot('at')}, outcome = given.how, error_class = given.class, error = given.failure,
      evidence = given.seen
    from ${adapter.givenRows(slot('given'), endColumns)}
    where attempts.job_id = given.job and attempts.number = given.ended and attempts.ended_at is null`.compile(db),
  ),
)

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
