import { isTerminal, jobStates, type JobState } from './job-state.ts'
import type { MicroUsd } from './money.ts'
import type { Argv } from './plan.ts'

export const projectStatuses = ['draft', 'active', 'paused', 'cancelled'] as const
export type ProjectStatus = (typeof projectStatuses)[number]

/** A stored project. Times are epoch milliseconds. */
export interface Project {
  readonly id: string
  readonly slug: string
  readonly goal: string
  readonly status: ProjectStatus
  /** Absolute path. */
  readonly workspace: string
  readonly budgetMicroUsd: MicroUsd | null
  readonly commands: readonly Argv[]
  readonly planHash: string
  /** The plan a person approved; the approval holds while it equals `planHash`. */
  readonly approvedHash: string | null
  readonly approvedAt: number | null
  readonly approvedBy: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** Whether the stored plan is the one that was approved. */
export function isApproved(project: Pick<Project, 'planHash' | 'approvedHash'>): boolean {
  return project.approvedHash !== null && project.approvedHash === project.planHash
}

export type JobCounts = Readonly<Partial<Record<JobState, number>>>

/** What a person calls the project's state: the stored status, or `finished` and `failed`, which follow from its jobs. */
export type ShownStatus = ProjectStatus | 'finished' | 'failed'

/** `finished` when every job completed or was cancelled, `failed` when nothing can go on and something failed. */
export function shownStatus(status: ProjectStatus, counts: JobCounts): ShownStatus {
  const present = jobStates.filter((state) => (counts[state] ?? 0) > 0)
  if (status !== 'active' || present.length === 0 || !present.every(isTerminal)) return status
  return present.some((state) => state === 'failed' || state === 'skipped') ? 'failed' : 'finished'
}
