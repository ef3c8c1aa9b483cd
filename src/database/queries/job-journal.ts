/** The journal of a job, counted for people. */
import type { Db } from '../dialect/dialect.ts'

export interface JournalLine {
  readonly try: number
  readonly kind: 'model' | 'tool' | 'command'
  readonly name: string
  readonly status: string
  readonly errands: number
}

/** Errands of every try by kind, name and status. */
export async function readJournalSummary(db: Db, jobId: string): Promise<JournalLine[]> {
  const rows = await db
    .selectFrom('errands')
    .select((eb) => ['try', 'kind', 'name', 'status', eb.fn.countAll<number>().as('errands')])
    .where('job_id', '=', jobId)
    .groupBy(['try', 'kind', 'name', 'status'])
    .orderBy('try')
    .orderBy('kind')
    .orderBy('name')
    .orderBy('status')
    .execute()
  return rows.map((row) => ({ ...row, errands: Number(row.errands) }))
}

/** One errand as people name it. */
export interface ErrandLine {
  readonly id: string
  readonly try: number
  readonly ordinal: number
  readonly taskOrdinal: number
  readonly kind: 'model' | 'tool' | 'command'
  readonly name: string
  readonly status: string
  readonly attempt: number
}

/** The errands of the latest try that has any, in order, without what they asked and got. */
export async function readLatestErrands(db: Db, jobId: string): Promise<ErrandLine[]> {
  return db
    .selectFrom('errands')
    .select(['id', 'try', 'ordinal', 'task_ordinal as taskOrdinal', 'kind', 'name', 'status', 'attempt'])
    .where('job_id', '=', jobId)
    .where('ordinal', '>', 0)
    .where('try', '=', (query) =>
      query
        .selectFrom('errands as latest')
        .select((eb) => eb.fn.max('latest.try').as('try'))
        .where('latest.job_id', '=', jobId)
        .where('latest.ordinal', '>', 0),
    )
    .orderBy('ordinal')
    .execute()
}
