/** Which ready jobs could start now, in the order of promise 4, past everything that is locked out. */
import { sql } from 'kysely'
import { conflictingLock, jobLocks, locksByName, type HeldLock, type JobLock } from '../../domain/job-lock.ts'
import type { Job } from '../../domain/job.ts'
import type { Argv, PlannedJob } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'
import { listLocks } from '../repositories/lock-repository.ts'
import { toJob } from '../repositories/job-row.ts'
import type { JobRow } from '../tables.ts'
import { startable, type ReadinessFacts } from './readiness-conditions.ts'

/** What a job names: resources, and absolute paths it may write. */
export interface LockRequest {
  readonly names: readonly string[]
  readonly paths: readonly string[]
}

export interface CandidateRequest {
  readonly limit: number
  readonly facts: ReadinessFacts
  /** Only the jobs of the project with this slug; null for all. */
  readonly projectSlug: string | null
  /** Skip rows that another scheduler is claiming, and lock the ones returned. */
  readonly lockRows: boolean
  /** Whether the table of locks exists; without it the running jobs' plans say what is held. */
  readonly hasLockTable: boolean
  locksFor(plan: PlannedJob, workspace: string): LockRequest
}

/** The project as its jobs see it. */
export interface CandidateProject {
  readonly id: string
  readonly slug: string
  readonly goal: string
  readonly workspace: string
  readonly budgetMicroUsd: number | null
  readonly commands: readonly Argv[]
}

export interface Candidate {
  readonly job: Job
  readonly project: CandidateProject
  readonly locks: readonly JobLock[]
}

/** Pages after the first, which holds exactly what was asked for. */
const pageSize = 100
/** Heads that are locked out, looked past in one pass. */
const scanLimit = 5000

/** Up to `limit` jobs that may start together: none excludes another or a running one. */
export async function findCandidates(db: Db, request: CandidateRequest): Promise<Candidate[]> {
  const chosen: Candidate[] = []
  let held: Map<string, HeldLock[]> | null = null
  for (let offset = 0; offset < scanLimit;) {
    const size = offset === 0 ? request.limit : pageSize
    const page = await readPage(db, request, { size, offset })
    for (const candidate of page) {
      if (candidate.locks.length > 0) {
        held ??= locksByName(await findHeldLocks(db, request))
        if (conflictingLock(candidate.locks, held) !== null) continue
        hold(held, candidate)
      }
      chosen.push(candidate)
      if (chosen.length === request.limit) return chosen
    }
    if (page.length < size) break
    offset += size
  }
  return chosen
}

function hold(held: Map<string, HeldLock[]>, { job, locks }: Candidate): void {
  for (const lock of locks) held.set(lock.name, [...(held.get(lock.name) ?? []), { ...lock, jobId: job.id }])
}

async function readPage(
  db: Db,
  request: CandidateRequest,
  { size, offset }: { readonly size: number; readonly offset: number },
): Promise<Candidate[]> {
  const { facts, projectSlug } = request
  let query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .selectAll('jobs')
    .select(['projects.slug', 'projects.goal', 'projects.workspace', 'projects.budget_micro_usd', 'projects.commands'])
    // A literal, not a parameter: SQLite uses a partial index only for a constant it can see.
    .where('jobs.state', '=', sql.lit('ready'))
    .where((eb) => startable(eb, facts))
    .orderBy('jobs.effective_priority', 'desc')
    .orderBy('jobs.path_length', 'desc')
    .orderBy('jobs.ready_at')
    .orderBy('jobs.id')
    .limit(size)
    .offset(offset)
  if (projectSlug !== null) query = query.where('projects.slug', '=', projectSlug)
  if (request.lockRows) query = query.forUpdate('jobs').skipLocked()
  const rows = await query.execute()
  return rows.map((row) => toCandidate(row, request))
}

interface CandidateRow extends JobRow {
  slug: string
  goal: string
  workspace: string
  budget_micro_usd: number | null
  commands: string
}

function toCandidate(row: CandidateRow, request: CandidateRequest): Candidate {
  const job = toJob(row)
  const project: CandidateProject = {
    id: row.project_id,
    slug: row.slug,
    goal: row.goal,
    workspace: row.workspace,
    budgetMicroUsd: row.budget_micro_usd,
    commands: fromJson<Argv[]>(row.commands),
  }
  return { job, project, locks: toLocks(request.locksFor(job.plan, row.workspace)) }
}

function toLocks(request: LockRequest): readonly JobLock[] {
  return jobLocks(request.names, request.paths)
}

/** What running jobs hold, from the table of locks or, without it, from their plans. */
export async function findHeldLocks(
  db: Db,
  request: Pick<CandidateRequest, 'hasLockTable' | 'locksFor'>,
): Promise<HeldLock[]> {
  if (request.hasLockTable) return listLocks(db)
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select(['jobs.id', 'jobs.spec', 'projects.workspace'])
    .where('jobs.state', '=', sql.lit('running'))
    .execute()
  return rows.flatMap((row) =>
    toLocks(request.locksFor(fromJson<PlannedJob>(row.spec), row.workspace)).map((lock) => ({
      ...lock,
      jobId: row.id,
    })),
  )
}
