/** Projects with what their jobs and their spend come to, as far as the tables are there. */
import type { Database } from '../database/connection.ts'
import { countJobs, listProjects, sumSpend } from '../database/repositories/project-repository.ts'
import type { TableName } from '../database/tables.ts'
import { shownStatus, type JobCounts, type Project, type ShownStatus } from '../domain/project.ts'

export interface ProjectSpend {
  /** Sum of the known costs. */
  readonly microUsd: number
  /** Calls whose cost is unknown. */
  readonly unknown: number
}

export interface ProjectOverview {
  readonly project: Project
  readonly status: ShownStatus
  readonly counts: JobCounts
  /** Null without the table `model_usage`. */
  readonly spend: ProjectSpend | null
}

export interface OverviewDeps {
  readonly database: Database
  readonly tables: { has(table: TableName): Promise<boolean> }
}

/** Every project, oldest first; empty without the table `projects`. */
export async function listOverviews({ database, tables }: OverviewDeps): Promise<readonly ProjectOverview[]> {
  if (!(await tables.has('projects'))) return []
  const counts = (await tables.has('jobs')) ? await countJobs(database.db) : new Map<string, JobCounts>()
  const spend = (await tables.has('model_usage')) ? await sumSpend(database.db) : null
  return (await listProjects(database.db)).map((project) => {
    const ownCounts = counts.get(project.id) ?? {}
    return {
      project,
      status: shownStatus(project.status, ownCounts),
      counts: ownCounts,
      spend: spend === null ? null : (spend.get(project.id) ?? { microUsd: 0, unknown: 0 }),
    }
  })
}
