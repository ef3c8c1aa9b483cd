import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import type { ErrandRow } from '../tables.ts'

/** One model call, tool call or command of a job's try. */
export interface Errand {
  readonly id: string
  readonly jobId: string
  readonly try: number
  readonly ordinal: number
  readonly taskOrdinal: number
  readonly kind: ErrandRow['kind']
  readonly name: string
  readonly requestHash: string
  readonly request: unknown
  readonly status: ErrandRow['status']
  readonly output: unknown
  readonly errorClass: string | null
  /** For file tools: the hash of the target before the effect, null where there was no file. */
  readonly beforeHash: string | null
  /** The attempt that last touched it. */
  readonly attempt: number
  readonly startedAt: number
  readonly endedAt: number | null
}

/** Writes an errand over the one at its place in the journal, or adds it. */
export async function putErrand(trx: Trx, errand: Errand): Promise<void> {
  const { id: _id, job_id: _job, try: _try, ordinal: _ordinal, ...rest } = toRow(errand)
  await trx
    .insertInto('errands')
    .values(toRow(errand))
    .onConflict((conflict) => conflict.columns(['job_id', 'try', 'ordinal']).doUpdateSet(rest))
    .execute()
}

export type ErrandChange = Partial<
  Pick<Errand, 'status' | 'output' | 'errorClass' | 'beforeHash' | 'attempt' | 'startedAt' | 'endedAt'>
>

/** Changes the course of an errand; its place and request never change. */
export async function updateErrand(trx: Trx, id: string, change: ErrandChange): Promise<void> {
  const { status, output, errorClass, beforeHash, attempt, startedAt, endedAt } = change
  await trx
    .updateTable('errands')
    .set({
      ...(status === undefined ? {} : { status }),
      ...(output === undefined ? {} : { output: toJson(output) }),
      ...(errorClass === undefined ? {} : { error_class: errorClass }),
      ...(beforeHash === undefined ? {} : { before_hash: beforeHash }),
      ...(attempt === undefined ? {} : { attempt }),
      ...(startedAt === undefined ? {} : { started_at: startedAt }),
      ...(endedAt === undefined ? {} : { ended_at: endedAt }),
    })
    .where('id', '=', id)
    .execute()
}

/** The journal of one try, in order. */
export async function listErrandsOfTry(
  db: Db | Trx,
  key: { readonly jobId: string; readonly try: number },
): Promise<readonly Errand[]> {
  const rows = await db
    .selectFrom('errands')
    .selectAll()
    .where('job_id', '=', key.jobId)
    .where('try', '=', key.try)
    .orderBy('ordinal')
    .execute()
  return rows.map(toErrand)
}

/** Every errand of a job, over all tries, in order. */
export async function listErrandsOfJob(db: Db | Trx, jobId: string): Promise<readonly Errand[]> {
  const query = db.selectFrom('errands').selectAll().where('job_id', '=', jobId).orderBy('try').orderBy('ordinal')
  return (await query.execute()).map(toErrand)
}

/** The first errand of that name over all tries of a job, or null. */
export async function findFirstErrand(db: Db | Trx, jobId: string, name: string): Promise<Errand | null> {
  const row = await db
    .selectFrom('errands')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('name', '=', name)
    .orderBy('try')
    .orderBy('ordinal')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : toErrand(row)
}

function toErrand(row: ErrandRow): Errand {
  return {
    id: row.id,
    jobId: row.job_id,
    try: row.try,
    ordinal: row.ordinal,
    taskOrdinal: row.task_ordinal,
    kind: row.kind,
    name: row.name,
    requestHash: row.request_hash,
    request: fromJson<unknown>(row.request),
    status: row.status,
    output: fromJson<unknown>(row.output),
    errorClass: row.error_class,
    beforeHash: row.before_hash,
    attempt: row.attempt,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

function toRow(errand: Errand): ErrandRow {
  return {
    id: errand.id,
    job_id: errand.jobId,
    try: errand.try,
    ordinal: errand.ordinal,
    task_ordinal: errand.taskOrdinal,
    kind: errand.kind,
    name: errand.name,
    request_hash: errand.requestHash,
    request: toJson(errand.request),
    status: errand.status,
    output: errand.output === null ? null : toJson(errand.output),
    error_class: errand.errorClass,
    before_hash: errand.beforeHash,
    attempt: errand.attempt,
    started_at: errand.startedAt,
    ended_at: errand.endedAt,
  }
}
