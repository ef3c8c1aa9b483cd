import { OrchError } from '../../../errors/orch-error.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import { jobsDeps } from './jobs-context.ts'

export const command: CommandModule = {
  summary: 'bring failed, cancelled or skipped jobs back, with everything before them that is dead',
  example: 'orch jobs retry todo-api/tests',
  declare: (command) => {
    command
      .argument('[job]', '<project>/<key>, or the end of an id')
      .option('--failed <project>', 'every failed job of the project')
      .option('--rehearsed', 'put back what a simulated model completed, in [job] as a project or everywhere')
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { retryJob, retryProject, retryRehearsed } = await import('../../../scheduling/change-jobs.ts')
    const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
    const deps = await jobsDeps(context)
    const reference = textArgument(invocation, 0)
    const project = options['failed']
    const change = async () => {
      if (options['rehearsed'] === true) return retryRehearsed(deps, reference === '' ? null : reference)
      if (typeof project === 'string') return retryProject(deps, project)
      if (reference !== '') return retryJob(deps, await resolveJob(deps, reference))
      throw new OrchError('ORCH_USAGE', 'Which job? Give one, or --failed <project>, or --rehearsed')
    }
    const changes = await change()
    const count = (to: string) => changes.filter((one) => one.to === to).length
    const data = changes.map((one) => ({
      id: one.id,
      state: one.to,
      skippedBecause: one.to === 'skipped' ? one.because : null,
    }))
    io.result('jobs.retry', data, () => {
      if (changes.length === 0) return 'Nothing to bring back.'
      const still = count('skipped')
      const rest = still === 0 ? '' : `; ${still} stay skipped because of another dead job`
      return `${count('ready')} ready, ${count('blocked')} blocked again${rest}. Next: orch jobs run`
    })
  },
}
