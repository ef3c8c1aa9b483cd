/** The few projects that have a job to start, found without reading the jobs of any other. */
import { expressionBuilder, sql } from 'kysely'
import type { Argv } from '../../domain/plan.ts'
import type { Db } from '../dialect/dialect.ts'
import { hotStatement } from '../dialect/hot-statement.ts'
import { fromJson } from '../json.ts'
import type { Tables } from '../tables.ts'
import { readinessConditions, type ReadinessCondition } from './readiness-conditions.ts'

/** The project as its jobs see it. */
export interface CandidateProject {
  readonly id: string
  readonly slug: string
  readonly goal: string
  readonly workspace: string
  readonly budgetMicroUsd: number | null
  readonly commands: readonly Argv[]
}

/** The readiness conditions that look at nothing but the project. */
const projectConditions = [
  'untrusted',
  'projectCancelled',
  'projectPaused',
  'notApproved',
] as const satisfies readonly ReadinessCondition[]

/** In line: due, and held by nobody. Literals, so that SQLite sees that the partial index `jobs_ready` holds it all. */
export const inLine = sql<boolean>`jobs.state = 'ready' and jobs.ready_at is not null and jobs.hold is null`

interface ProjectWithWork {
  readonly id: string
  readonly slug: string
  readonly goal: string
  readonly workspace: string
  readonly budget_micro_usd: number | null
  readonly commands: string
}

/**
 * Projects that may start jobs and have one that stands in line (`ready_at` is set, nobody holds it). Reads one row
 * of the index per project that has any, however many jobs wait in others that are paused or not approved.
 */
export async function projectsWithWork(
  db: Db,
  scope: { readonly databaseTrusted: boolean; readonly projectSlug: string | null },
): Promise<readonly CandidateProject[]> {
  const read = scope.databaseTrusted ? readTrusted : readUntrusted
  const { rows } = await read(db, {})
  const wanted = scope.projectSlug === null ? rows : rows.filter(({ slug }) => slug === scope.projectSlug)
  return wanted.map((row) => ({
    id: row.id,
    slug: row.slug,
    goal: row.goal,
    workspace: row.workspace,
    budgetMicroUsd: row.budget_micro_usd,
    commands: fromJson<Argv[]>(row.commands),
  }))
}

/** The conditions are written for jobs with their project; these use only the project. */
const jobsAndProjects = expressionBuilder<Tables, 'jobs' | 'projects'>()

function statement(databaseTrusted: boolean) {
  return hotStatement<never, ProjectWithWork>((db) => {
    const first = sql`select jobs.project_id from jobs where ${inLine}`
    const none = projectConditions.map(
      (name) =>
        sql`not (${readinessConditions[name](jobsAndProjects, { now: 0, databaseTrusted, unreachableProjects: [] })})`,
    )
    // From one project to the next by the index: neither engine skips equal values by itself.
    return sql<ProjectWithWork>`
      with recursive heads(id) as (
        select (${first} order by jobs.project_id limit 1)
        union all
        select (${first} and jobs.project_id > heads.id order by jobs.project_id limit 1)
        from heads where heads.id is not null
      )
      select projects.id, projects.slug, projects.goal, projects.workspace, projects.budget_micro_usd, projects.commands
      from heads join projects on projects.id = heads.id
      where ${sql.join(none, sql` and `)}`.compile(db)
  })
}

const readTrusted = statement(true)
const readUntrusted = statement(false)
