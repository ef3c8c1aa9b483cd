import { OrchError } from '../../../errors/orch-error.ts'
import { textArgument, type CommandModule, type Invocation } from '../../command.ts'
import { jobsDeps } from './jobs-context.ts'
import { changeText, keptFields, keptText, warnOfFiles, type Retried } from './retry-view.ts'

const repairTables = ['projects', 'jobs', 'job_dependencies', 'attempts', 'errands'] as const

export const command: CommandModule = {
  summary: 'bring failed, cancelled or skipped jobs back, with everything before them that is dead',
  example: 'orch jobs retry todo-api/tests --continue',
  tables: {
    needs: ['projects', 'jobs', 'job_dependencies', 'attempts'],
    uses: ['orchestrator_config', 'job_events', 'tasks', 'model_usage'],
    needsWith: { '--from': repairTables, '--continue': repairTables },
  },
  declare: (command) => {
    command
      .argument('[job]', '<project>/<key>, or the end of an id')
      .option('--from <errand>', 'keep what was done and paid before this errand: its place or the end of its id')
      .option('--continue', 'keep everything that was done and paid; go on where it ended')
      .option('--failed <project>', 'every failed job of the project')
      .option('--rehearsed', 'put back what a simulated model completed, in [job] as a project or everywhere')
  },
  run: async (invocation) => {
    const { io } = invocation
    const { changes, repaired } = await retry(invocation)
    const data = changes.map((one) => ({
      id: one.id,
      state: one.to,
      skippedBecause: one.to === 'skipped' ? one.because : null,
      kept: repaired?.jobId === one.id ? keptFields(repaired.repair) : null,
    }))
    if (repaired !== null) warnOfFiles(io, repaired.repair)
    io.result('jobs.retry', data, () => `${repaired === null ? '' : keptText(repaired.repair)}${changeText(changes)}`)
  },
}

async function retry(invocation: Invocation): Promise<Retried> {
  const { context, options } = invocation
  const { retryJob, retryProject, retryRehearsed } = await import('../../../scheduling/change-jobs.ts')
  const { resolveJob } = await import('../../../scheduling/resolve-job.ts')
  const point = repairPoint(invocation)
  const deps = await jobsDeps(context)
  const reference = textArgument(invocation, 0)
  const project = options['failed']
  if (options['rehearsed'] === true) {
    return { changes: await retryRehearsed(deps, reference === '' ? null : reference), repaired: null }
  }
  if (typeof project === 'string') return { changes: await retryProject(deps, project), repaired: null }
  if (reference === '') {
    throw new OrchError('ORCH_USAGE', 'Which job? Give one, or --failed <project>, or --rehearsed')
  }
  const named = await resolveJob(deps, reference)
  if (point === null) return { changes: await retryJob(deps, named), repaired: null }
  const { repairJob } = await import('../../../scheduling/repair-job.ts')
  const repair = await repairJob(deps, named, point)
  return { changes: repair.changes, repaired: { jobId: named.job.id, repair } }
}

/** What `--from` and `--continue` ask for. Throws ORCH_USAGE for what does not go together. */
function repairPoint(invocation: Invocation): { readonly from: string } | 'end' | null {
  const { from, continue: goOn, failed, rehearsed } = invocation.options
  if (from === undefined && goOn !== true) return null
  if (from !== undefined && goOn === true) {
    throw new OrchError('ORCH_USAGE', '--from keeps a part and --continue keeps all: give one of them')
  }
  if (failed !== undefined || rehearsed === true || textArgument(invocation, 0) === '') {
    throw new OrchError('ORCH_USAGE', '--from and --continue are for one job', {
      hint: 'orch jobs retry <project>/<key> --continue',
    })
  }
  return typeof from === 'string' ? { from } : 'end'
}
