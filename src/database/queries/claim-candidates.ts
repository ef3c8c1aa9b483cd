/** Which ready jobs could start now, in the order of promise 4, past everything that is locked out. */
import type { JobLock } from '../../domain/job-lock.ts'
import type { Job } from '../../domain/job.ts'
import type { Db } from '../dialect/dialect.ts'
import { toJob } from '../repositories/job-row.ts'
import type { JobRow } from '../tables.ts'
import { readInLine } from './behind-heads.ts'
import { CandidateJudge, type JudgeRequest } from './candidate-judge.ts'
import { readCandidatePage } from './candidate-page.ts'
import { projectsWithWork, type CandidateProject } from './projects-with-work.ts'
import type { ReadinessFacts } from './readiness-conditions.ts'

export interface CandidateRequest extends JudgeRequest {
  readonly limit: number
  readonly facts: ReadinessFacts
  /** Only the jobs of the project with this slug; null for all. */
  readonly projectSlug: string | null
  /** Skip rows that another scheduler is claiming, and lock the ones returned. */
  readonly lockRows: boolean
  /** Whether this host can work there; asked of projects with ready jobs only. Default: everywhere but `facts` says. */
  canReach?(workspace: string): boolean
  /** Only these jobs, found by `findBehindHeads`; default: the heads of the line. */
  readonly only?: readonly string[]
}

export interface Candidate {
  readonly job: Job
  readonly project: CandidateProject
  readonly locks: readonly JobLock[]
}

export interface Candidates {
  readonly chosen: readonly Candidate[]
  /** Whether heads were passed over and the limit was not reached: behind them something may be free. */
  readonly maybeMore: boolean
}

/** Pages after the first, which holds exactly what was asked for. */
const pageSize = 100
/** Heads looked at in one pass; what stands behind more of them is found by `findBehindHeads`. */
const scanLimit = 200
/** More projects than this are read in one order, by an index that also holds jobs that are not due yet. */
const mostLines = 16

/** Up to `limit` jobs that may start together: none excludes another or a running one, and no limit is passed. */
export async function findCandidates(db: Db, request: CandidateRequest): Promise<Candidates> {
  const projects = await reachableProjects(db, request)
  if (projects.size === 0) return { chosen: [], maybeMore: false }
  const judge = new CandidateJudge(db, request)
  const chosen: Candidate[] = []
  // Where others write meanwhile, a page may repeat what the last one held: rows that they had locked come back in front.
  const seen = new Set<string>()
  const source = await sourceOf(db, request, [...projects.keys()])
  while (chosen.length < request.limit) {
    const next = source.next()
    const row = next instanceof Promise ? await next : next
    if (row === null) break
    const project = projects.get(row.project_id)
    if (project === undefined || seen.has(row.id)) continue
    seen.add(row.id)
    const job = toJob(row)
    const judged = judge.judge(job, project.workspace)
    const judgement = judged instanceof Promise ? await judged : judged
    if (judgement.kind === 'free') chosen.push({ job, project, locks: judgement.locks })
  }
  return { chosen, maybeMore: judge.passedOver > 0 && chosen.length < request.limit }
}

/** Rows in order; null after the last. At once where they are read already: thousands a second pass here. */
interface RowSource {
  next(): JobRow | null | Promise<JobRow | null>
}

async function sourceOf(db: Db, request: CandidateRequest, projectIds: readonly string[]): Promise<RowSource> {
  // What is shared is judged row by row: the statement stays the one that is compiled once.
  const { shared: _shared, ...facts } = request.facts
  if (request.only !== undefined) {
    const rows = await readInLine(db, request.only, { facts, lockRows: request.lockRows })
    let place = 0
    return { next: () => rows[place++] ?? null }
  }
  return new Lines(linesOf(db, { ...request, facts }, projectIds), Math.max(scanLimit, request.limit))
}

/** Projects that may start jobs, have one in line, and work where this host can. */
export async function reachableProjects(
  db: Db,
  request: Pick<CandidateRequest, 'facts' | 'projectSlug' | 'canReach'>,
): Promise<Map<string, CandidateProject>> {
  const { facts, projectSlug, canReach } = request
  const unreachable = new Set(facts.unreachableProjects)
  const projects = await projectsWithWork(db, { databaseTrusted: facts.databaseTrusted, projectSlug })
  const reachable = projects.filter(({ id, workspace }) => !unreachable.has(id) && canReach?.(workspace) !== false)
  return new Map(reachable.map((project) => [project.id, project]))
}

type ReadPage = (size: number, offset: number) => Promise<readonly JobRow[]>

/** Ready jobs of one project, or of several, in order; read page by page as they are asked for. */
class Line {
  readonly #read: ReadPage
  #size: number
  #rows: readonly JobRow[] = []
  #place = 0
  #offset = 0
  #ended = false

  constructor(size: number, read: ReadPage) {
    this.#size = size
    this.#read = read
  }

  get head(): JobRow | undefined {
    return this.#rows[this.#place]
  }

  /** Whether a page must be read before it is known who comes next. */
  get isStale(): boolean {
    return this.#place >= this.#rows.length && !this.#ended
  }

  async fill(): Promise<void> {
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

/** Several lines as one. */
class Lines implements RowSource {
  readonly #lines: readonly Line[]
  #left: number

  /** @param most rows given out before it ends. */
  constructor(lines: readonly Line[], most: number) {
    this.#lines = lines
    this.#left = most
  }

  next(): JobRow | null | Promise<JobRow | null> {
    if (this.#left === 0) return null
    if (this.#lines.some(({ isStale }) => isStale)) return this.#fill().then(() => this.next())
    let best: Line | null = null
    for (const line of this.#lines) {
      if (line.head !== undefined && (best?.head === undefined || before(line.head, best.head))) best = line
    }
    const row = best?.head ?? null
    best?.step()
    this.#left -= 1
    return row
  }

  async #fill(): Promise<void> {
    for (const line of this.#lines) if (line.isStale) await line.fill()
  }
}

function linesOf(db: Db, request: CandidateRequest, projectIds: readonly string[]): Line[] {
  const { facts, lockRows, limit } = request
  const line = (scope: readonly string[]) =>
    new Line(limit, (size, offset) => readCandidatePage(db, { projectIds: scope, facts, lockRows, size, offset }))
  return projectIds.length > mostLines ? [line(projectIds)] : projectIds.map((id) => line([id]))
}

/** The order of promise 4, as in the statement. */
function before(a: JobRow, b: JobRow): boolean {
  const order =
    b.effective_priority - a.effective_priority ||
    b.path_length - a.path_length ||
    (a.ready_at ?? 0) - (b.ready_at ?? 0)
  return order === 0 ? a.id < b.id : order < 0
}
