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
