import { readinessTables } from '../../../doctor/table-use.ts'
import type { Explanation } from '../../../scheduling/explain-jobs.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { plain } from '../../render/plain.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'
import { jobFields, reasonFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'why a job is not running, and what would unblock it',
  example: 'orch jobs why todo-api/tests',
  tables: { needs: ['projects', 'jobs'], uses: readinessTables },
  declare: (command) => void command.argument('<job>', '<project>/<key>, or the end of an id'),
  run: async (invocation) => {
    const { context, io } = invocation
    const deps = await jobsDeps(context)
    const missing = await deps.tables.missing(['projects', 'jobs'])
    if (warnMissing(io, missing, 'there are no jobs to explain')) return io.result('jobs.why', null, () => '')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const { explainJob } = await import('../../../scheduling/explain-jobs.ts')
    const explanation = await explainJob(deps, await resolveJob(deps, textArgument(invocation, 0)))
    const data = {
      ...jobFields(explanation.named),
      headline: explanation.headline,
      reasons: explanation.reasons.map(reasonFields),
    }
    io.result('jobs.why', data, () => plain(render(explanation)))
  },
}

function render({ headline, named, reasons }: Explanation): string {
  const lines = [`${headline}.`]
  for (const { text, unblock, untilMs } of reasons) {
    lines.push(`- ${text}.`, `  ${untilMs === null ? '' : `until ${iso(untilMs)}; `}${unblock}`)
  }
  const evidence = named.job.state === 'failed' ? (named.job.error?.evidence ?? []) : []
  for (const one of evidence.filter(({ passed }) => !passed)) lines.push(`- ${one.id}: ${one.found}`)
  if (named.job.state === 'failed' || named.job.state === 'skipped') lines.push(`  orch jobs retry ${named.name}`)
  return lines.join('\n')
}
