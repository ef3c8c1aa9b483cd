import { textArgument, type CommandModule } from '../../command.ts'
import { plain } from '../../render/plain.ts'
import { jobsDeps } from './jobs-context.ts'
import { jobFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'keep a job from starting until it is released',
  example: 'orch jobs hold todo-api/deploy --reason "wait for review"',
  tables: { needs: ['projects', 'jobs'], uses: ['orchestrator_config', 'job_events'] },
  declare: (command) => {
    command
      .argument('<job>', '<project>/<key>, or the end of an id')
      .option('--reason <text>', 'shown where somebody asks why it waits')
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { holdJob } = await import('../../../scheduling/change-jobs.ts')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const deps = await jobsDeps(context)
    await deps.tables.require(['projects', 'jobs'], 'Holding a job')
    const named = await resolveJob(deps, textArgument(invocation, 0))
    await holdJob(deps, named, typeof options['reason'] === 'string' ? options['reason'] : null)
    io.result('jobs.hold', { ...jobFields(named), hold: 'person' }, () => {
      const running = named.job.state === 'running' ? ' Its running attempt goes on.' : ''
      return plain(`${named.name} is held.${running} \`orch jobs release ${named.name}\` lets it start.`)
    })
  },
}
