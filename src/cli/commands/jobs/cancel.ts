import { textArgument, type CommandModule } from '../../command.ts'
import { plain } from '../../render/plain.ts'
import { jobsDeps } from './jobs-context.ts'
import { jobFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'stop a job for good, also while it runs; what depends on it is skipped',
  example: 'orch jobs cancel todo-api/tests',
  tables: {
    needs: ['projects', 'jobs', 'job_dependencies', 'attempts'],
    uses: ['orchestrator_config', 'job_events'],
  },
  declare: (command) => void command.argument('<job>', '<project>/<key>, or the end of an id'),
  run: async (invocation) => {
    const { context, io } = invocation
    const { cancelJob } = await import('../../../scheduling/change-jobs.ts')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const deps = await jobsDeps(context)
    const named = await resolveJob(deps, textArgument(invocation, 0))
    const skipped = await cancelJob(deps, named)
    io.result('jobs.cancel', { ...jobFields(named), state: 'cancelled', skipped }, () => {
      const behind = skipped.length === 0 ? '' : `; ${skipped.length} jobs behind it are skipped`
      return plain(`${named.name} is cancelled${behind}. \`orch jobs retry ${named.name}\` brings it back.`)
    })
  },
}
