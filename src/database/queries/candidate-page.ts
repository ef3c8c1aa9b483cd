/** One page of the line: jobs that nothing but locks may keep from starting, in the order of promise 4. */
import type { CompiledQuery } from 'kysely'
import type { Db } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import type { JobRow } from '../tables.ts'
import { inLine } from './projects-with-work.ts'
import { startable, type ReadinessFacts } from './readiness-conditions.ts'

export interface PageRequest {
  /** At least one. */
  readonly projectIds: readonly string[]
  readonly facts: ReadinessFacts
  readonly lockRows: boolean
  readonly size: number
  readonly offset: number
}

/** Rows that are startable now; locked where asked, past those that another scheduler has locked. */
export async function readCandidatePage(db: Db, request: PageRequest): Promise<readonly JobRow[]> {
  const { projectIds, facts, size, offset } = request
  const [projectId] = projectIds
  if (projectId === undefined) return []
  if (projectIds.length > 1 || !isUsual(facts)) return (await db.executeQuery(build(db, request))).rows
  const read = request.lockRows ? readLocked : readUnlocked
  return (await read(db, { projectId, now: facts.now, size, offset })).rows
}

const usualFacts = { databaseTrusted: true, unreachableProjects: [] } as const

/** Whether the statement is the one that was built for these facts, whatever the time. */
function isUsual({ databaseTrusted, unreachableProjects }: ReadinessFacts): boolean {
  return databaseTrusted && unreachableProjects.length === 0
}

const readLocked = statement(true)
const readUnlocked = statement(false)

function statement(lockRows: boolean) {
  return hotStatement<'projectId' | 'now' | 'size' | 'offset', JobRow>((db, slot) =>
    build(db, {
      projectIds: [slot('projectId')],
      facts: { ...usualFacts, now: slot('now') },
      lockRows,
      size: slot('size'),
      offset: slot('offset'),
    }),
  )
}

/** By the index `jobs_ready` for one project; several are read in one order, by the index `jobs_claim`. */
function build(db: Db, { projectIds, facts, lockRows, size, offset }: PageRequest): CompiledQuery<JobRow> {
  let query = db
    .selectFrom('jobs')
    .innerJoin('projects', 'projects.id', 'jobs.project_id')
    .selectAll('jobs')
    .where(inLine)
    .where((eb) => startable(eb, facts))
    .orderBy('jobs.effective_priority', 'desc')
    .orderBy('jobs.path_length', 'desc')
    .orderBy('jobs.ready_at')
    .orderBy('jobs.id')
    .limit(size)
    .offset(offset)
  const [only] = projectIds
  query =
    projectIds.length === 1 && only !== undefined
      ? query.where('jobs.project_id', '=', only)
      : query.where('jobs.project_id', 'in', projectIds)
  if (lockRows) query = query.forUpdate('jobs').skipLocked()
  return query.compile()
}
