/** Bringing dead jobs back: one transaction over the whole project, so that no parent ends meanwhile unseen. */
import { planRetry, type RetryChange, type RetryNode } from '../../domain/retry-plan.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import { OrchError } from '../../errors/orch-error.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Database } from '../connection.ts'
import type { Trx } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'
import { appendEvents } from '../repositories/event-repository.ts'
import type { JobRow } from '../tables.ts'
import { keepErrands, type KeptJournal } from './keep-errands.ts'

export interface RetryRequest {
  readonly projectId: string
  /** Failed, cancelled or skipped jobs. */
  readonly targets: readonly string[]
  /** Completed rehearsed jobs to run again. */
  readonly putBack: readonly string[]
  readonly ids: Ids
  readonly hasEventTable: boolean
  /** Errands that the next try of one of the targets begins with. */
  readonly keep?: KeptJournal
}

type RetryRow = Pick<JobRow, 'id' | 'state' | 'hold' | 'skipped_because' | 'attempt' | 'try' | 'spec'>

/** Applies `planRetry` and returns what changed. Throws ORCH_CONFLICT when the job to keep for is no longer dead. */
export async function retryJobs(database: Database, request: RetryRequest): Promise<readonly RetryChange[]> {
  return database.announce(async (trx) => {
    const now = await database.dialect.now(trx)
    const rows = await readRows(trx, request.projectId, database.dialect.skipsLocked)
    const changes = planRetry(await toNodes(trx, request.projectId, rows), request.targets, request.putBack)
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const change of changes) {
      const named = request.targets.includes(change.id)
      await applyChange(trx, change, { row: byId.get(change.id), named, now })
    }
    if (request.keep !== undefined) await keepFor(trx, request.keep, { changes, byId, ids: request.ids, now })
    if (request.hasEventTable) {
      const events = changes.map((change) => ({
        projectId: request.projectId,
        jobId: change.id,
        attempt: null,
        kind: change.to === 'skipped' ? 'skipped' : 'retried',
        data: change.to === 'skipped' ? { because: change.because } : retriedData(change, request.keep),
      }))
      await appendEvents(trx, events, { ids: request.ids, at: now })
    }
    return changes
  })
}

interface Keeping {
  readonly changes: readonly RetryChange[]
  readonly byId: ReadonlyMap<string, RetryRow>
  readonly ids: Ids
  readonly now: number
}

async function keepFor(trx: Trx, keep: KeptJournal, { changes, byId, ids, now }: Keeping): Promise<void> {
  const change = changes.find(({ id }) => id === keep.jobId)
  const row = byId.get(keep.jobId)
  if (change === undefined || change.to === 'skipped' || row === undefined) {
    throw new OrchError('ORCH_CONFLICT', `The job is ${row?.state ?? 'gone'} by now; nothing was kept`)
  }
  await keepErrands(trx, keep, { tryNumber: nextTry(row), ids, now })
}

function retriedData(change: Exclude<RetryChange, { to: 'skipped' }>, keep: KeptJournal | undefined) {
  const kept = keep?.jobId === change.id ? { kept: keep.errands.length, keptFromTry: keep.errands.at(-1)?.try } : {}
  return { state: change.to, ...kept }
}

/** Locks every row of the project: whoever ends a parent now waits, or has ended it before this reads. */
async function readRows(trx: Trx, projectId: string, lockRows: boolean): Promise<RetryRow[]> {
  let query = trx
    .selectFrom('jobs')
    .select(['id', 'state', 'hold', 'skipped_because', 'attempt', 'try', 'spec'])
    .where('project_id', '=', projectId)
    .orderBy('id')
  if (lockRows) query = query.forUpdate()
  return query.execute()
}

async function toNodes(trx: Trx, projectId: string, rows: readonly RetryRow[]): Promise<RetryNode[]> {
  const dependsOn = new Map<string, string[]>(rows.map((row) => [row.id, []]))
  const edges = await trx
    .selectFrom('job_dependencies')
    .innerJoin('jobs', 'jobs.id', 'job_dependencies.job_id')
    .select(['job_dependencies.job_id', 'job_dependencies.depends_on_id'])
    .where('jobs.project_id', '=', projectId)
    .execute()
  for (const edge of edges) dependsOn.get(edge.job_id)?.push(edge.depends_on_id)
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    skippedBecause: row.skipped_because,
    dependsOn: dependsOn.get(row.id) ?? [],
  }))
}

async function applyChange(
  trx: Trx,
  change: RetryChange,
  { row, named, now }: { readonly row: RetryRow | undefined; readonly named: boolean; readonly now: number },
): Promise<void> {
  if (row === undefined) return
  const update = trx.updateTable('jobs').where('id', '=', change.id).where('state', '=', row.state)
  if (change.to === 'skipped') {
    await update.set({ skipped_because: change.because, updated_at: now }).execute()
    return
  }
  await update
    .set({
      state: change.to,
      blocked_by: change.blockedBy,
      ready_at: change.to === 'ready' ? now : null,
      skipped_because: null,
      updated_at: now,
      ...(change.newTry || row.state === 'skipped' ? freshStart(row, now) : {}),
      // A person's hold on what only comes back along with the named jobs is that person's to lift.
      ...(named || row.hold === 'quarantine' ? { hold: null, hold_reason: null } : {}),
    })
    .execute()
}

function nextTry(row: Pick<RetryRow, 'attempt' | 'try'>): number {
  return row.attempt > 0 ? row.try + 1 : row.try
}

/** Another full set of tries; numbers go on, because the journal of an earlier try is kept under its own. */
function freshStart(row: RetryRow, now: number) {
  const next = nextTry(row)
  return {
    try: next,
    max_tries: Math.max(next, 1) + fromJson<PlannedJob>(row.spec).maxTries - 1,
    run_at: now,
    finished_at: null,
    started_at: null,
    waits_for: null,
    interruptions: 0,
    result: null,
    rehearsed: 0,
  }
}
