/** Cancelling: wins over whatever the job's attempt is about to report. */
import type { JobState } from '../../domain/job-state.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { appendEvents, type NewJobEvent } from '../repositories/event-repository.ts'
import { skipDependants } from './dependants.ts'

export interface CancelRequest {
  readonly jobId: string
  readonly reason: string
  readonly ids: Ids
  readonly hasEventTable: boolean
}

export type CancelReport =
  | { readonly kind: 'cancelled'; readonly from: JobState; readonly skipped: readonly string[] }
  | { readonly kind: 'refused'; readonly state: JobState | null }

/**
 * Cancels a blocked, ready or running job and skips everything behind it. A running attempt ends now for
 * the database; its scheduler notices, stops the work and gives the locks back.
 */
export async function cancelJobRow(database: Database, request: CancelRequest): Promise<CancelReport> {
  return database.announce(async (trx) => {
    const now = await database.dialect.now(trx)
    const before = await trx
      .selectFrom('jobs')
      .select(['state', 'attempt', 'project_id'])
      .where('id', '=', request.jobId)
      .$if(database.dialect.skipsLocked, (query) => query.forUpdate())
      .executeTakeFirst()
    if (before === undefined) return { kind: 'refused', state: null }
    if (!['blocked', 'ready', 'running'].includes(before.state)) return { kind: 'refused', state: before.state }
    // The lease stays: until it passes, the locks of a worker that has not noticed yet stay too.
    await trx
      .updateTable('jobs')
      .set({ state: 'cancelled', finished_at: now, updated_at: now, waits_for: null })
      .where('id', '=', request.jobId)
      .execute()
    if (before.state === 'running') await endCancelled(trx, request.jobId, { attempt: before.attempt, now })
    const skipped = await skipDependants(trx, request.jobId, { now })
    const events = [
      event(before.project_id, request.jobId, {
        kind: 'cancelled',
        data: { reason: request.reason },
      }),
      ...skipped.map((job) => event(job.projectId, job.id, { kind: 'skipped', data: { because: request.jobId } })),
    ]
    if (request.hasEventTable) await appendEvents(trx, events, { ids: request.ids, at: now })
    return { kind: 'cancelled', from: before.state, skipped: skipped.map((job) => job.id) }
  })
}

async function endCancelled(trx: Trx, jobId: string, { attempt, now }: { attempt: number; now: number }) {
  await trx
    .updateTable('attempts')
    .set({ ended_at: now, outcome: 'cancelled' })
    .where('job_id', '=', jobId)
    .where('number', '=', attempt)
    .where('ended_at', 'is', null)
    .execute()
}

function event(projectId: string, jobId: string, what: Pick<NewJobEvent, 'kind' | 'data'>): NewJobEvent {
  return { projectId, jobId, attempt: null, ...what }
}
