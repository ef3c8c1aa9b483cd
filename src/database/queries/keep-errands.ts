/** The part of a journal that a repaired job keeps: read for judging it, and copied into the next try. */
import { sql } from 'kysely'
import type { JobFailure } from '../../domain/job.ts'
import type { MicroUsd } from '../../domain/money.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import { putErrand, type Errand } from '../repositories/errand-repository.ts'
import { changeTask, resetTasks } from '../repositories/task-repository.ts'
import type { PlannedTask } from '../../domain/plan.ts'

/** What the next try of a job begins with. */
export interface KeptJournal {
  readonly jobId: string
  /** In order, without a gap; they stay where they are and are copied. */
  readonly errands: readonly Errand[]
  /** Why the try before the kept ones failed: their prompts say so, and the next try's must say the same. */
  readonly lastFailure: JobFailure | null
  readonly tasks: readonly PlannedTask[]
  readonly hasTaskTable: boolean
}

/**
 * Copies the errands into a try that has none. A copy differs from its origin in id and try only: it keeps the number
 * of the attempt that made it, and place and attempt together name the origin in the earlier try. Usage stays with the
 * origin, so nothing is accounted for twice.
 */
export async function keepErrands(
  trx: Trx,
  kept: KeptJournal,
  { tryNumber, ids, now }: { readonly tryNumber: number; readonly ids: Ids; readonly now: number },
): Promise<void> {
  const { jobId, errands, lastFailure, tasks } = kept
  for (const errand of errands) await putErrand(trx, { ...errand, id: ids.next(), try: tryNumber })
  const error = lastFailure === null ? null : toJson(lastFailure)
  await trx.updateTable('jobs').set({ error }).where('id', '=', jobId).execute()
  if (!kept.hasTaskTable) return
  await resetTasks(trx, jobId, { tasks, nowMs: now })
  for (const { name, kind, taskOrdinal: ordinal, output } of errands) {
    if (kind !== 'tool' || name !== 'submit' || !isSubmission(output)) continue
    await changeTask(trx, { jobId, ordinal, state: 'completed', summary: output.summary, nowMs: now })
  }
}

/** A call of `submit` that was refused leaves the refusal instead. */
function isSubmission(output: unknown): output is { readonly summary: string } {
  return typeof output === 'object' && output !== null && 'summary' in output && typeof output.summary === 'string'
}

/** The try in which a kept errand was made first: copies carry its attempt. */
export async function originTry(db: Db, { jobId, ordinal, attempt }: Errand): Promise<number | null> {
  const row = await db
    .selectFrom('errands')
    .select((eb) => eb.fn.min('try').as('first'))
    .where('job_id', '=', jobId)
    .where('ordinal', '=', ordinal)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  return row?.first ?? null
}

/** Why the job failed last before a try; null where it had not. */
export async function failureBefore(db: Db, jobId: string, tryNumber: number): Promise<JobFailure | null> {
  const row = await db
    .selectFrom('attempts')
    .select('error')
    .where('job_id', '=', jobId)
    .where('try', '<', tryNumber)
    .where('error', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return fromJson<JobFailure>(row?.error ?? null)
}

export interface ErrandsUsage {
  readonly calls: number
  readonly tokens: number
  /** The sum of the costs that are known. */
  readonly knownMicroUsd: MicroUsd
  /** Calls whose cost is not known. */
  readonly unknownCalls: number
}

/** What the errands of a try up to a place were bought for, wherever they were made first. */
export async function readErrandsUsage(
  db: Db,
  place: { readonly jobId: string; readonly try: number; readonly lastOrdinal: number },
): Promise<ErrandsUsage> {
  const { rows } = await sql<{ calls: number; tokens: number; cost: number; unknown: number }>`
    select count(*) as calls,
      coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0) as tokens,
      coalesce(sum(coalesce(cost_micro_usd, 0)), 0) as cost,
      coalesce(sum(case when cost_micro_usd is null and source <> 'simulated' then 1 else 0 end), 0) as unknown
    from model_usage
    where errand_id in (
      select origin.id from errands kept join errands origin
        on origin.job_id = kept.job_id and origin.ordinal = kept.ordinal and origin.attempt = kept.attempt
      where kept.job_id = ${place.jobId} and kept.try = ${place.try}
        and kept.ordinal between 1 and ${place.lastOrdinal})
      and job_id = ${place.jobId}`.execute(db)
  const [row] = rows
  return {
    calls: Number(row?.calls ?? 0),
    tokens: Number(row?.tokens ?? 0),
    knownMicroUsd: Number(row?.cost ?? 0),
    unknownCalls: Number(row?.unknown ?? 0),
  }
}
