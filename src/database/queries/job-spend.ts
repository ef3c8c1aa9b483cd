import { sql } from 'kysely'
import type { MicroUsd } from '../../domain/money.ts'
import type { Trx } from '../dialect/dialect.ts'

export interface JobSpend {
  /** Known costs, and the bound where the cost is unknown. Simulated calls stay out. */
  readonly spent: MicroUsd
  /** Input and output of every call, over all tries; calls whose provider did not count them stay out. */
  readonly tokens: number
  /** Calls whose provider did not say how many tokens they took. */
  readonly uncounted: number
}

/**
 * What a job has used in all its tries, found through the index by project: as dear as the project's own spend, which
 * a budget asks for before each call. Needs `model_usage`.
 */
export async function readJobSpend(
  trx: Trx,
  job: { readonly projectId: string; readonly jobId: string },
): Promise<JobSpend> {
  const { rows } = await sql<JobSpend>`
    select
      coalesce(sum(coalesce(cost_micro_usd, bound_micro_usd, 0)), 0) as spent,
      coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0) as tokens,
      coalesce(sum(case when outcome = 'ok' and input_tokens is null and output_tokens is null then 1 else 0 end), 0)
        as uncounted
    from model_usage
    where project_id = ${job.projectId} and job_id = ${job.jobId} and source <> 'simulated'`.execute(trx)
  const [row] = rows
  return { spent: Number(row?.spent ?? 0), tokens: Number(row?.tokens ?? 0), uncounted: Number(row?.uncounted ?? 0) }
}

/** Bounds of the job's calls in flight: those of attempts that ended without settling them. */
export async function readJobReserved(trx: Trx, jobId: string): Promise<MicroUsd> {
  const { reserved } = await trx
    .selectFrom('reservations')
    .select((eb) => eb.fn.coalesce(eb.fn.sum<number>('bound_micro_usd'), eb.lit(0)).as('reserved'))
    .where('job_id', '=', jobId)
    .where('settled_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(reserved)
}
