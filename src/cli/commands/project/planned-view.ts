/** What `orch project plan` prints besides the plan itself: where it is, what was left out, what planning cost. */
import { formatMicroUsd } from '../../../domain/money.ts'
import { isApproved } from '../../../domain/project.ts'
import type { PlannedProject } from '../../../planning/plan-project.ts'
import type { Invocation } from '../../command.ts'
import { money } from '../../render/json.ts'
import { plainLine } from '../../render/plain.ts'
import { planData, planText, scopeText, type PlanView } from './plan-view.ts'

/** The JSON form; `written` is the file of `--out`. */
export function plannedData(planned: PlannedProject, view: PlanView, written: string | null) {
  const { project, spend } = planned
  return {
    project:
      project === null
        ? null
        : {
            id: project.id,
            slug: project.slug,
            status: project.status,
            planHash: project.planHash,
            approved: isApproved(project),
          },
    planFile: written ?? planned.planPath,
    plan: planData(view),
    planner: spend === null ? null : { calls: spend.calls, model: spend.model, cost: money(spend.costMicroUsd) },
    ignored: planned.ignored,
  }
}

/** The text form. */
export function plannedText({ io }: Invocation, planned: PlannedProject, view: PlanView): string {
  const { spend } = planned
  const text = planText(view, { colors: io.colors, width: io.streams.stdout.columns })
  const planner =
    spend === null
      ? []
      : [
          `Planned by ${plainLine(spend.model ?? 'a model')} in ${spend.calls} calls for ${formatMicroUsd(spend.costMicroUsd)}.`,
        ]
  return [text, ...planner, '', scopeText(view.scope)].join('\n')
}

/** Says what is off: missing tables, an untrusted database, fields that a model may not set. */
export function warnAbout({ io }: Invocation, planned: PlannedProject): void {
  if (planned.ignored.length > 0) {
    io.warn(`The model set what only you may set, and it was left out: ${planned.ignored.join(', ')}`)
  }
  if (planned.missingTables.length > 0) {
    const noun = planned.missingTables.length === 1 ? 'table' : 'tables'
    io.warn(
      `The plan is not in the database: the ${noun} ${planned.missingTables.join(', ')} ${noun === 'table' ? 'is' : 'are'} missing`,
      `Run \`orch db migrate\`, then \`orch project apply ${planned.planPath ?? '<file>'}\``,
    )
  }
}
