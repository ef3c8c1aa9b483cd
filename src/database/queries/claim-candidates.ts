/** Which ready jobs could start now, in the order of promise 4, past everything that is locked out. */
import { sql } from 'kysely'
import { conflictingLock, jobLocks, locksByName, type HeldLock, type JobLock } from '../../domain/job-lock.ts'
import type { Job } from '../../domain/job.ts'
import type { PlannedJob } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { fromJson } from '../json.ts'
import { listLocks } from '../repositories/lock-repository.ts'
import { toJob } from '../repositories/job-row.ts'
import type { JobRow } from '../tables.ts'
import { readCandidatePage } from './candidate-page.ts'
import { projectsWithWork, type CandidateProject } from './projects-with-work.ts'
import type { ReadinessFacts } from './readiness-conditions.ts'

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
  /** Whether this host can work there; asked of projects with ready jobs only. Default: everywhere but `facts` says. */
  canReach?(workspace: string): boolean
  /** Called before the held locks are read, where some candidate wants one: from then on none may change. */
  lockLimits?(): Promise<void>
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
/** More projects than this are read in one order, by an index that also holds jobs that are not due yet. */
const mostLines = 16

/** Up to `limit` jobs that may start together: none excludes another or a running one. */
export async function findCandidates(db: Db, request: CandidateRequest): Promise<Candidate[]> {
  const projects = await reachableProjects(db, request)
  if (projects.size === 0) return []
  const lines = linesOf(db, request, [...projects.keys()])
  const chosen: Candidate[] = []
  let held: Map<string, HeldLock[]> | null = null
  for (let seen = 0; seen < scanLimit; seen++) {
    const row = await nextRow(lines)
    const project = row === null ? undefined : projects.get(row.project_id)
    if (row === null || project === undefined) break
    const job = toJob(row)
    const locks = toLocks(request.locksFor(job.plan, project.workspace))
    if (locks.length > 0) {
      if (held === null) {
        await request.lockLimits?.()
        held = locksByName(await findHeldLocks(db, request))
      }
      if (conflictingLock(locks, held) !== null) continue
      hold(held, job.id, locks)
    }
    chosen.push({ job, project, locks })
    if (chosen.length === request.limit) break
  }
  return chosen
}

async function reachableProjects(db: Db, request: CandidateRequest): Promise<Map<string, CandidateProject>> {
  const { facts, projectSlug, canReach } = request
  const unreachable = new Set(facts.unreachableProjects)
  const projects = await projectsWithWork(db, { databaseTrusted: facts.databaseTrusted, projectSlug })
  const reachable = projects.filter(({ id, workspace }) => !unreachable.has(id) && canReach?.(workspace) !== false)
  return new Map(reachable.map((project) => [project.id, project]))
}

/** Ready jobs of one project, or of several, in order; read page by page as they are asked for. */
class Line {
  readonly #read: (size: number, offset: number) => Promise<readonly JobRow[]>
  #size: number
  #rows: readonly JobRow[] = []
  #place = 0
  #offset = 0
  #ended = false

  constructor(size: number, read: (size: number, offset: number) => Promise<readonly JobRow[]>) {
    this.#size = size
    this.#read = read
  }

  get head(): JobRow | undefined {
    return this.#rows[this.#place]
  }

  async fill(): Promise<void> {
    if (this.head !== undefined || this.#ended) return
    this.#rows = await this.#read(this.#size, this.#offset)
    this.#place = 0
    this.#offset += this.#size
    this.#ended = this.#rows.length < this.#size
    this.#size = pageSize
  }

  step(): void {
    this.#place += 1
  }
}

function linesOf(db: Db, request: CandidateRequest, projectIds: readonly string[]): Line[] {
  const { facts, lockRows, limit } = request
  const line = (scope: readonly string[]) =>
    new Line(limit, (size, offset) => readCandidatePage(db, { projectIds: scope, facts, lockRows, size, offset }))
  return projectIds.length > mostLines ? [line(projectIds)] : projectIds.map((id) => line([id]))
}

/** The first of all lines, taken off its line; null where all are empty. */
async function nextRow(lines: readonly Line[]): Promise<JobRow | null> {
  let best: Line | null = null
  for (const line of lines) {
    if (line.head === undefined) await line.fill()
    if (line.head !== undefined && (best?.head === undefined || before(line.head, best.head))) best = line
  }
  const row = best?.head ?? null
  best?.step()
  return row
}

/** The order of promise 4, as in the statement. */
function before(a: JobRow, b: JobRow): boolean {
  const order =
    b.effective_priority - a.effective_priority ||
    b.path_length - a.path_length ||
    (a.ready_at ?? 0) - (b.ready_at ?? 0)
  return order === 0 ? a.id < b.id : order < 0
}

function hold(held: Map<string, HeldLock[]>, jobId: string, locks: readonly JobLock[]): void {
  for (const lock of locks) held.set(lock.name, [...(held.get(lock.name) ?? []), { ...lock, jobId }])
}

function toLocks(request: LockRequest): readonly JobLock[] {
  return jobLocks(request.names, request.paths)
}

/**
 * What running jobs hold: from the table of locks, and from the plans of those that have no row there, because
 * the table did not exist when they were claimed or does not exist now.
 */
export async function findHeldLocks(
  db: Db,
  request: Pick<CandidateRequest, 'hasLockTable' | 'locksFor'>,
): Promise<HeldLock[]> {
  let unlisted = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .select(['jobs.id', 'jobs.spec', 'projects.workspace'])
    .where('jobs.state', '=', sql.lit('running'))
  if (request.hasLockTable) {
    unlisted = unlisted.where((eb) =>
      eb.not(eb.exists(eb.selectFrom('job_locks').select('name').whereRef('job_locks.job_id', '=', 'jobs.id'))),
    )
  }
  const rows = await unlisted.execute()
  const planned = rows.flatMap((row) => {
    const locks = toLocks(request.locksFor(fromJson<PlannedJob>(row.spec), row.workspace))
    return locks.map((lock) => ({ ...lock, jobId: row.id }))
  })
  return request.hasLockTable ? [...(await listLocks(db)), ...planned] : planned
}
