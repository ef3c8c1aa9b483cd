import type { ModelFinding } from '../../doctor/model-doctor.ts'
import { valueText } from './models.ts'
import { table, type TableOptions } from './table.ts'

export interface FindingsSummary {
  readonly examined: number
  readonly healable: number
  readonly healed: number
}

/** What the doctor found, before and after, and what can be done. */
export function findingsText(
  { examined, healable, healed }: FindingsSummary,
  findings: readonly ModelFinding[],
  options: TableOptions,
): string {
  if (findings.length === 0) return `${examined} models examined: nothing is missing, wrong or out of date`
  const rows = findings.map((finding) => [
    finding.model.name,
    finding.problem,
    finding.field,
    sourcedText(finding.before),
    sourcedText(finding.after),
    finding.reason,
  ])
  const summary =
    healed > 0
      ? `Healed ${healed} of ${examined} models`
      : `${examined} models examined, ${healable} can be healed${healable > 0 ? ': orch models doctor --fix' : ''}`
  return `${table(['model', 'problem', 'value', 'now', 'healed', 'why'], rows, options)}\n\n${summary}`
}

function sourcedText(sourced: ModelFinding['before']): string | null {
  return sourced === null ? null : `${valueText(sourced.value)} [${sourced.source}]`
}
