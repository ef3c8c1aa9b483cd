/** The fence and what the end of an attempt does to its job's row, for any number of them in one statement. */
import { sql } from 'kysely'
import type { AttemptEnd } from '../../domain/attempt-end.ts'
import type { JobHold } from '../../domain/job-state.ts'
import type { Trx } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { toJson } from '../json.ts'
import type { AttemptKey } from './fence.ts'

/** An attempt's end with its consequences decided. */
export interface JobEnd extends AttemptKey {
  readonly projectId: string
  readonly end: AttemptEnd
  /** In a row, this one included; 0 for any other end. */
  readonly interruptions: number
  readonly hold: JobHold | null
  /** When the job may start again, epoch milliseconds; null leaves it as it is. */
  readonly runAt: number | null
}

/** Ends the jobs whose attempt is current, and returns those; each attempt at most once. */
export async function endJobs(trx: Trx, ends: readonly JobEnd[], now: number): Promise<ReadonlySet<JobEnd>> {
  // Of two ends of one attempt the first counts: the second finds it over.
  const byKey = new Map<string, JobEnd>()
  for (const end of ends) if (!byKey.has(keyOf(end))) byKey.set(keyOf(end), end)
  if (byKey.size === 0) return new Set()
  const distinct = [...byKey.values()]
  const { rows } = distinct.every(isPlain)
    ? await completeGiven(trx, { given: distinct.map(toCompleted), now })
    : await endGiven(trx, { given: distinct.map(toGiven), now })
  return new Set(rows.flatMap(({ id, attempt }) => byKey.get(`${attempt} ${id}`) ?? []))
}

function keyOf({ jobId, attempt }: AttemptKey): string {
  return `${attempt} ${jobId}`
}

function toGiven({ jobId, attempt, end, interruptions, hold, runAt }: JobEnd) {
  return {
    job: jobId,
    token: attempt,
    next: end.state,
    tries: end.nextTry ? 1 : 0,
    cuts: interruptions,
    wait: end.waitsFor,
    simulated: end.rehearsed ? 1 : 0,
    keep: hold,
    why: hold === null ? null : `${interruptions} interruptions in a row`,
    again: runAt,
    outcome: end.result === null ? null : toJson(end.result),
    failure: end.failure === null ? null : toJson(end.failure),
  }
}

const endColumns = {
  job: 'text',
  token: 'integer',
  next: 'text',
  tries: 'integer',
  cuts: 'integer',
  wait: 'text',
  simulated: 'integer',
  keep: 'text',
  why: 'text',
  again: 'integer',
  outcome: 'text',
  failure: 'text',
} as const

/**
 * `coalesce` keeps SQLite from walking the index of running jobs instead of finding each by its id. A job that starts again later stands in line from then on (`ready_at` null, see
 * claim-candidates); one that was interrupted keeps its place; another try stands in line anew.
 */
const endGiven = hotStatement<'given' | 'now', AttemptRowKey>((db, slot, adapter) =>
  sql<AttemptRowKey>`
    update jobs
    set state = given.next,
      try = try + given.tries,
      interruptions = given.cuts,
      lease_owner = null,
      lease_expires_at = null,
      waits_for = given.wait,
      rehearsed = case when given.simulated = 1 then 1 else rehearsed end,
      hold = coalesce(given.keep, hold),
      hold_reason = coalesce(given.why, hold_reason),
      run_at = coalesce(given.again, run_at),
      ready_at = case
        when given.next <> 'ready' then ready_at
        when coalesce(given.again, run_at) > ${slot('now')} then null
        when given.tries = 1 then ${slot('now')}
        else coalesce(ready_at, ${slot('now')})
      end,
      finished_at = case when given.next = 'ready' then finished_at else ${slot('now')} end,
      result = coalesce(given.outcome, result),
      error = case when given.next = 'completed' then null else coalesce(given.failure, error) end,
      updated_at = ${slot('now')}
    from ${adapter.givenRows(slot('given'), endColumns)}
    where jobs.id = given.job and jobs.attempt = given.token and coalesce(jobs.state, '') = 'running'
    returning id, attempt`.compile(db),
)

interface AttemptRowKey {
  readonly id: string
  readonly attempt: number
}

/** A success that leaves the rest of the row alone, as nearly all are. */
function isPlain({ end, interruptions, hold, runAt }: JobEnd): boolean {
  if (end.state !== 'completed' || end.nextTry || end.waitsFor !== null) return false
  return interruptions === 0 && hold === null && runAt === null
}

function toCompleted({ jobId, attempt, end }: JobEnd) {
  return {
    job: jobId,
    token: attempt,
    simulated: end.rehearsed ? 1 : 0,
    outcome: end.result === null ? null : toJson(end.result),
  }
}

const completedColumns = { job: 'text', token: 'integer', simulated: 'integer', outcome: 'text' } as const

/** What `endGiven` does to successes, in half the time: a third of its columns travel. */
const completeGiven = hotStatement<'given' | 'now', AttemptRowKey>((db, slot, adapter) =>
  sql<AttemptRowKey>`
    update jobs
    set state = 'completed',
      interruptions = 0,
      lease_owner = null,
      lease_expires_at = null,
      waits_for = null,
      rehearsed = case when given.simulated = 1 then 1 else rehearsed end,
      finished_at = ${slot('now')},
      result = coalesce(given.outcome, result),
      error = null,
      updated_at = ${slot('now')}
    from ${adapter.givenRows(slot('given'), completedColumns)}
    where jobs.id = given.job and jobs.attempt = given.token and coalesce(jobs.state, '') = 'running'
    returning id, attempt`.compile(db),
)
