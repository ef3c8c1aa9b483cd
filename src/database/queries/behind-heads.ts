/**
 * What may start behind heads that may not: jobs whose keys (a limit, a lock, a model that cools down) are used up are
 * left out by the statement itself, however many thousands stand in front. A look outside any transaction: whoever
 * claims what it finds judges it again.
 */
import { sql } from 'kysely'
import type { Job } from '../../domain/job.ts'
import type { Db } from '../dialect/dialect.ts'
import { toJob } from '../repositories/job-row.ts'
import type { JobRow } from '../tables.ts'
import { CandidateJudge, type JudgeRequest } from './candidate-judge.ts'
import { inLine, type CandidateProject } from './projects-with-work.ts'
import { exclusionKey, startable, type ReadinessFacts, type SharedFacts } from './readiness-conditions.ts'

export interface BehindRequest extends Omit<JudgeRequest, 'shared' | 'lockLimits'> {
  readonly limit: number
  readonly facts: ReadinessFacts
  readonly shared: SharedFacts
  /** By id: those that may start jobs. */
  readonly projects: ReadonlyMap<string, Pick<CandidateProject, 'workspace'>>
}

/** Rows of the first look; each further one reads four times as many. */
const firstPage = 100
/** 100, 400, 1600, 6400, 25600: enough for keys that are all different. */
const mostPages = 5

/** Up to `limit` jobs that may start together, in the order of promise 4. */
export async function findBehindHeads(db: Db, request: BehindRequest): Promise<readonly Job[]> {
  const judge = new CandidateJudge(db, request)
  const chosen: Job[] = []
  const lockedOut = new Set<string>()
  for (let page = 0, size = Math.max(firstPage, request.limit); page < mostPages; page++, size *= 4) {
    const full = request.room?.full() ?? request.shared.full
    const shared = { ...request.shared, full, lockedOut: [...lockedOut] }
    const rows = await readPage(db, request, { shared, size, chosen })
    for (const row of rows) {
      const job = toJob(row)
      const judged = judge.judge(job, request.projects.get(job.projectId)?.workspace ?? '')
      const judgement = judged instanceof Promise ? await judged : judged
      if (judgement.kind === 'locked') lockedOut.add(row.exclusion_key)
      if (judgement.kind !== 'free') continue
      chosen.push(job)
      if (chosen.length === request.limit) return chosen
    }
    if (rows.length < size) break
  }
  return chosen
}

interface Page {
  readonly shared: SharedFacts
  readonly size: number
  readonly chosen: readonly Job[]
}

async function readPage(db: Db, { facts, projects }: BehindRequest, { shared, size, chosen }: Page) {
  let query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .selectAll('jobs')
    .select(exclusionKey(shared.jsonText).as('exclusion_key'))
    .where(inLine)
    .where((eb) => startable(eb, { ...facts, shared }))
    .where('jobs.project_id', 'in', [...projects.keys()])
    .orderBy('jobs.effective_priority', 'desc')
    .orderBy('jobs.path_length', 'desc')
    .orderBy('jobs.ready_at')
    .orderBy('jobs.id')
    .limit(size)
  const ids = chosen.map(({ id }) => id)
  if (ids.length > 0) query = query.where('jobs.id', 'not in', ids)
  return query.execute()
}

/** The given jobs that are in line and startable by their own rows, locked where asked, in the order of promise 4. */
export async function readInLine(
  db: Db,
  ids: readonly string[],
  { facts, lockRows }: { readonly facts: ReadinessFacts; readonly lockRows: boolean },
): Promise<readonly JobRow[]> {
  if (ids.length === 0) return []
  const query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .selectAll('jobs')
    // A value and no literal, so that the jobs are found by their ids.
    .where('jobs.state', '=', 'ready')
    .where(sql<boolean>`jobs.ready_at is not null and jobs.hold is null`)
    .where((eb) => startable(eb, facts))
    .where('jobs.id', 'in', ids)
    .orderBy('jobs.effective_priority', 'desc')
    .orderBy('jobs.path_length', 'desc')
    .orderBy('jobs.ready_at')
    .orderBy('jobs.id')
  return (lockRows ? query.forUpdate('jobs').skipLocked() : query).execute()
}
