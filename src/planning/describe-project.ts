/** One project with its plan and how far each job is. */
import type { StoredJob } from '../database/repositories/plan-repository.ts'
import type { TableName } from '../database/tables.ts'
import { waves, width } from '../domain/plan-graph.ts'
import type { Plan } from '../domain/plan.ts'
import { listOverviews, type OverviewDeps, type ProjectOverview } from './project-overview.ts'
import { readStoredPlan, requireProject } from './stored-plan.ts'

export interface ProjectDescription extends ProjectOverview {
  readonly plan: Plan
  /** In the order of the plan, without what a changed plan left behind. */
  readonly jobs: readonly StoredJob[]
  readonly waves: readonly (readonly string[])[]
  readonly width: number
}

/** Tables without which a project cannot be shown. */
export const describedTables = ['projects', 'jobs'] as const satisfies readonly TableName[]

/** Throws ORCH_NOT_FOUND with a suggestion. Needs the tables `projects` and `jobs`. */
export async function describeProject(deps: OverviewDeps, slug: string): Promise<ProjectDescription> {
  const { id } = await requireProject(deps.database.db, slug)
  const overview = (await listOverviews(deps)).find(({ project }) => project.id === id)
  // Read again by slug where it vanished between the two reads; that throws ORCH_NOT_FOUND.
  const project = overview?.project ?? (await requireProject(deps.database.db, slug))
  const { plan, jobs } = await readStoredPlan(deps.database.db, project)
  const shown = overview ?? { project, status: project.status, counts: {}, spend: null }
  return { ...shown, plan, jobs, waves: waves(plan.jobs), width: width(plan.jobs) }
}
