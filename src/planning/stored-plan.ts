/** A stored project as a plan again: the database rows are the other form of the file. */
import type { Db } from '../database/dialect/dialect.ts'
import { readStoredJobs, type StoredJob } from '../database/repositories/plan-repository.ts'
import { findProject, listSlugs } from '../database/repositories/project-repository.ts'
import { closestWord } from '../domain/closest-word.ts'
import type { Plan } from '../domain/plan.ts'
import type { Project } from '../domain/project.ts'
import { OrchError } from '../errors/orch-error.ts'
import { isSuperseded } from './revise-plan.ts'

/** The project with the slug. Throws ORCH_NOT_FOUND with a suggestion. */
export async function requireProject(db: Db, slug: string): Promise<Project> {
  const project = await findProject(db, slug)
  if (project !== undefined) return project
  throw noProject(slug, await listSlugs(db))
}

/** The error for a slug that no project has. */
export function noProject(slug: string, slugs: ReadonlySet<string>): OrchError {
  const near = closestWord(slug, slugs)
  return new OrchError('ORCH_NOT_FOUND', `There is no project ${slug}`, {
    hint: near === null ? 'See `orch project list`' : `Did you mean ${near}? See \`orch project list\``,
  })
}

/** The plan of a project and its jobs, without those that a changed plan left behind. */
export async function readStoredPlan(
  db: Db,
  project: Project,
): Promise<{ readonly plan: Plan; readonly jobs: readonly StoredJob[] }> {
  const stored = await readStoredJobs(db, project.id)
  const jobs = stored.filter((job) => !isSuperseded(job))
  return { plan: toPlan(project, jobs), jobs }
}

/** The plan that the rows hold. */
export function toPlan(project: Project, jobs: readonly StoredJob[]): Plan {
  return {
    version: 1,
    project: project.slug,
    goal: project.goal,
    budgetMicroUsd: project.budgetMicroUsd,
    workspace: project.workspace,
    commands: project.commands,
    jobs: jobs.map((job) => job.plan),
  }
}
