import type { JobEvent } from '../../../database/repositories/event-repository.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { eventFields, eventLine } from './event-view.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'

export const command: CommandModule = {
  summary: 'follow a job or a project until it is over, whoever runs it',
  example: 'orch jobs watch todo-api',
  tables: { needs: ['projects', 'jobs', 'job_events'], uses: ['orchestrator_config'] },
  declare: (command) => void command.argument('<job-or-project>', '<project>/<key>, the end of an id, or a project'),
  run: async (invocation) => {
    const { context, io, signal } = invocation
    const deps = await jobsDeps(context)
    const missing = await deps.tables.missing(['projects', 'jobs', 'job_events'])
    if (warnMissing(io, missing, 'there is nothing to watch')) return
    const { historyScope } = await import('../../../scheduling/history-scope.ts')
    const { followHistory, readHistory } = await import('../../../scheduling/job-history.ts')
    const { filter, nameOf, isOver } = await historyScope(deps, textArgument(invocation, 0))
    const show = (event: JobEvent) => {
      const name = nameOf(event)
      io.event('jobs.watch', eventFields(event, name), () => eventLine(event, name))
    }
    // What happened before is context: the latest few lines, the rest is in `logs`.
    const seen = await readHistory(deps, { ...filter, limit: 10 })
    for (const event of seen) show(event)
    await followHistory(deps, seen, { filter, signal, onEvent: show, isOver })
  },
}
