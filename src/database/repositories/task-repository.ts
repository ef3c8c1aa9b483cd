import type { PlannedTask } from '../../domain/plan.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { TaskRow } from '../tables.ts'

/** Stores the steps of a job, all pending: a try begins with the first. Ordinals count from 1. */
export async function resetTasks(
  trx: Trx,
  jobId: string,
  { tasks, nowMs }: { readonly tasks: readonly PlannedTask[]; readonly nowMs: number },
): Promise<void> {
  if (tasks.length === 0) return
  const pending = { state: 'pending', summary: null, updated_at: nowMs } as const
  const rows = tasks.map((task, index) => ({ job_id: jobId, ordinal: index + 1, ...task, ...pending }))
  await trx
    .insertInto('tasks')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['job_id', 'ordinal']).doUpdateSet(pending))
    .execute()
}

export interface TaskChange {
  readonly jobId: string
  readonly ordinal: number
  readonly state: TaskRow['state']
  readonly summary?: string
  readonly nowMs: number
}

/** Moves a step on; a completed one stays completed. */
export async function changeTask(trx: Trx, { jobId, ordinal, state, summary, nowMs }: TaskChange): Promise<void> {
  await trx
    .updateTable('tasks')
    .set({ state, updated_at: nowMs, ...(summary === undefined ? {} : { summary }) })
    .where('job_id', '=', jobId)
    .where('ordinal', '=', ordinal)
    .where('state', '<>', 'completed')
    .execute()
}
