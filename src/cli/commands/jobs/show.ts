import { readinessTables } from '../../../doctor/table-use.ts'
import type { JobDescription } from '../../../scheduling/describe-job.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'
import { jobFields, reasonFields, usageFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'everything about a job: state, attempts, evidence, journal, cost',
  example: 'orch jobs show todo-api/tests',
  tables: { needs: ['projects', 'jobs'], uses: [...readinessTables, 'attempts', 'errands'] },
  declare: (command) => void command.argument('<job>', '<project>/<key>, or the end of an id'),
  run: async (invocation) => {
    const { context, io } = invocation
    const deps = await jobsDeps(context)
    const missing = await deps.tables.missing(['projects', 'jobs'])
    if (warnMissing(io, missing, 'there are no jobs to show')) return io.result('jobs.show', null, () => '')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const { describeJob } = await import('../../../scheduling/describe-job.ts')
    const { renderDescription } = await import('./show-text.ts')
    const description = await describeJob(deps, await resolveJob(deps, textArgument(invocation, 0)))
    warnMissing(io, description.missing, 'what it holds is not shown')
    io.result('jobs.show', descriptionFields(description), () => renderDescription(description, io))
  },
}

function descriptionFields({ explanation, ...description }: JobDescription) {
  const { job } = explanation.named
  return {
    ...jobFields(explanation.named),
    headline: explanation.headline,
    reasons: explanation.reasons.map(reasonFields),
    description: job.description,
    plan: job.plan,
    result: job.result,
    error: job.error,
    skippedBecause: job.skippedBecause,
    dependsOn: description.dependencies.map(({ id, key, state }) => ({ id, key, state })),
    neededBy: description.dependants.map(({ id, key, state }) => ({ id, key, state })),
    attempts: description.attempts.map((attempt) => ({
      number: attempt.number,
      try: attempt.try,
      scheduler: attempt.schedulerId,
      startedAt: iso(attempt.startedAt),
      endedAt: iso(attempt.endedAt),
      outcome: attempt.outcome,
      error: attempt.failure,
      evidence: attempt.evidence,
    })),
    journal: description.journal,
    errands: description.errands,
    usage: usageFields(description.usage),
  }
}
