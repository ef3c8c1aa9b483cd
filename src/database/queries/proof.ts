/** What the database says about a proof: the evidence of `orch doctor --prove`. */
import type { JobHold, JobState } from '../../domain/job-state.ts'
import type { Db } from '../dialect/dialect.ts'

export interface ProvedJob {
  readonly id: string
  readonly key: string
  readonly state: JobState
  readonly hold: JobHold | null
  /** Attempts that ended as completed. */
  readonly completions: number
  /** Attempts that were taken back from a dead scheduler. */
  readonly interruptions: number
  /** Model calls whose answer is committed. */
  readonly committedCalls: number
}

/** Every job of a project. */
export async function readProvedJobs(db: Db, projectId: string): Promise<readonly ProvedJob[]> {
  const jobs = await db
    .selectFrom('jobs')
    .select(['id', 'key', 'state', 'hold'])
    .where('project_id', '=', projectId)
    .execute()
  const ends = await db
    .selectFrom('attempts')
    .select((eb) => ['job_id', 'outcome', eb.fn.countAll<number>().as('times')])
    .groupBy(['job_id', 'outcome'])
    .execute()
  const calls = await db
    .selectFrom('errands')
    .select((eb) => ['job_id', eb.fn.countAll<number>().as('times')])
    .where('kind', '=', 'model')
    .where('status', '=', 'done')
    .groupBy('job_id')
    .execute()
  const endsByJob = new Map(ends.map((row) => [`${row.job_id} ${row.outcome}`, Number(row.times)]))
  const callsByJob = new Map(calls.map((row) => [row.job_id, Number(row.times)]))
  return jobs.map((job) => ({
    ...job,
    completions: endsByJob.get(`${job.id} completed`) ?? 0,
    interruptions: endsByJob.get(`${job.id} released`) ?? 0,
    committedCalls: callsByJob.get(job.id) ?? 0,
  }))
}
