import type { Job, JobFailure, JobResult } from '../../domain/job.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import { fromJson } from '../json.ts'
import type { JobRow } from '../tables.ts'

/** A stored row as the features see it. */
export function toJob(row: JobRow): Job {
  return {
    id: row.id,
    projectId: row.project_id,
    key: row.key,
    title: row.title,
    description: row.description,
    role: row.role,
    executor: row.executor,
    state: row.state,
    hold: row.hold,
    holdReason: row.hold_reason,
    priority: row.priority,
    effectivePriority: row.effective_priority,
    pathLength: row.path_length,
    runAt: row.run_at,
    readyAt: row.ready_at,
    blockedBy: row.blocked_by,
    attempt: row.attempt,
    try: row.try,
    maxTries: row.max_tries,
    interruptions: row.interruptions,
    leaseOwner: row.lease_owner,
    leaseExpiresAt: row.lease_expires_at,
    waitsFor: row.waits_for,
    plan: fromJson<PlannedJob>(row.spec),
    result: fromJson<JobResult>(row.result),
    error: fromJson<JobFailure>(row.error),
    skippedBecause: row.skipped_because,
    rehearsed: row.rehearsed === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
