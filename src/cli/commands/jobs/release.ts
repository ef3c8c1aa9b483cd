import { textArgument, type CommandModule } from '../../command.ts'
import { plain } from '../../render/plain.ts'
import { jobsDeps } from './jobs-context.ts'
import { jobFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'let a held or quarantined job start again',
  example: 'orch jobs release todo-api/deploy',
  tables: { needs: ['projects', 'jobs'], uses: ['orchestrator_config', 'job_events'] },
  declare: (command) => void command.argument('<job>', '<project>/<key>, or the end of an id'),
  run: async (invocation) => {
    const { context, io } = invocation
    const { releaseJob } = await import('../../../scheduling/change-jobs.ts')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const deps = await jobsDeps(context)
    const named = await resolveJob(deps, textArgument(invocation, 0))
    await releaseJob(deps, named)
    io.result('jobs.release', { ...jobFields(named), hold: null }, () => plain(`${named.name} may start again.`))
  },
}
