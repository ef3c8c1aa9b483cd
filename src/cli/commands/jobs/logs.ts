import type { JobEvent } from '../../../database/repositories/event-repository.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { eventFields, eventLine } from './event-view.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'

export const command: CommandModule = {
  summary: 'the history of a job or of a whole project',
  example: 'orch jobs logs todo-api/tests --follow',
  tables: { needs: ['projects', 'jobs', 'job_events'], uses: ['orchestrator_config'] },
  declare: (command) => {
    command
      .argument('<job-or-project>', '<project>/<key>, the end of an id, or a project')
      .option('--follow', 'go on until interrupted')
      .option('--limit <number>', 'the newest events only', '1000')
  },
  run: async (invocation) => {
    const { context, io, options, signal } = invocation
    const deps = await jobsDeps(context)
    const missing = await deps.tables.missing(['projects', 'jobs', 'job_events'])
    if (warnMissing(io, missing, 'there is no history')) return
    const z = await import('zod')
    const { parseOptions } = await import('../../command.ts')
    const { limit } = parseOptions(z.object({ limit: z.coerce.number().int().min(1) }), options)
    const { historyScope } = await import('../../../scheduling/history-scope.ts')
    const { followHistory, readHistory } = await import('../../../scheduling/job-history.ts')
    const { filter, nameOf } = await historyScope(deps, textArgument(invocation, 0))
    const show = (event: JobEvent) => {
      const name = nameOf(event)
      io.event('jobs.logs', eventFields(event, name), () => eventLine(event, name))
    }
    const seen = await readHistory(deps, { ...filter, limit })
    for (const event of seen) show(event)
    if (options['follow'] !== true) return
    await followHistory(deps, seen, { filter, signal, onEvent: show, isOver: async () => false })
  },
}
