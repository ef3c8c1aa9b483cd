/** A stored project as `--json` and as people see it. */
import { formatMicroUsd } from '../../../domain/money.ts'
import { isApproved, type Project } from '../../../domain/project.ts'
import type { ProjectOverview } from '../../../planning/project-overview.ts'
import { iso, money } from '../../render/json.ts'
import type { Cell } from '../../render/table.ts'

/** The row of a project. */
export function projectData(project: Project) {
  return {
    id: project.id,
    slug: project.slug,
    goal: project.goal,
    status: project.status,
    workspace: project.workspace,
    budget: money(project.budgetMicroUsd),
    planHash: project.planHash,
    approved: isApproved(project),
    approvedAt: iso(project.approvedAt),
    approvedBy: project.approvedBy,
    createdAt: iso(project.createdAt),
    updatedAt: iso(project.updatedAt),
  }
}

/** With what its jobs and its spend come to; `status` is the shown one. */
export function overviewData({ project, status, counts, spend }: ProjectOverview) {
  const knownSpend = spend === null ? null : money(spend.microUsd)
  return { ...projectData(project), status, jobs: counts, knownSpend, unpricedCalls: spend?.unknown ?? null }
}

/** `2/8 done, 1 failed or skipped`. */
export function progressText({ counts }: Pick<ProjectOverview, 'counts'>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const failed = (counts.failed ?? 0) + (counts.skipped ?? 0)
  return `${counts.completed ?? 0}/${total}${failed > 0 ? `, ${failed} failed or skipped` : ''}`
}

/** Null where nothing is accounted for. */
export function spendText({ spend }: Pick<ProjectOverview, 'spend'>): string | null {
  if (spend === null) return null
  const known = formatMicroUsd(spend.microUsd)
  return spend.unknown === 0 ? known : `${known} and ${spend.unknown} calls of unknown cost`
}

/** Project, status, done, spend, budget, workspace, goal. */
export function overviewCells(overview: ProjectOverview): Cell[] {
  const { project, status } = overview
  const budget = project.budgetMicroUsd === null ? null : formatMicroUsd(project.budgetMicroUsd)
  const { slug, workspace, goal } = project
  return [slug, status, progressText(overview), spendText(overview), budget, workspace, goal]
}
