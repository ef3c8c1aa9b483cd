import { readinessTables } from '../../../doctor/table-use.ts'
import type { JobState } from '../../../domain/job-state.ts'
import type { ListedJob } from '../../../scheduling/list-jobs.ts'
import { textArgument, type CommandModule } from '../../command.ts'
import type { Io } from '../../io.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'
import { jobFields, reasonFields, shownIdLength, stateCell, usageFields } from './job-view.ts'

export const command: CommandModule = {
  summary: 'jobs, their states, and what each waits for',
  example: 'orch jobs list todo-api --state failed',
  tables: {
    needs: ['projects', 'jobs'],
    uses: readinessTables,
    needsWith: { '--schedulers': ['scheduler_instances', 'projects', 'jobs'] },
  },
  declare: (command) => {
    command
      .argument('[project]', 'only this project')
      .option('--state <state>', 'only jobs in this state; several are separated by commas')
      .option('--role <role>', 'only jobs of this role')
      .option('--rehearsed', 'only jobs that a simulated model completed')
      .option('--limit <number>', 'at most so many')
      .option('--schedulers', 'who runs jobs instead: host, process, signs of life, and what each runs')
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    if (options['schedulers'] === true) {
      const { showSchedulers } = await import('./schedulers-view.ts')
      return showSchedulers(await jobsDeps(context), io)
    }
    const { listJobsWithReasons } = await import('../../../scheduling/list-jobs.ts')
    const project = textArgument(invocation, 0)
    const filter = { ...(await parseFilter(options)), ...(project === '' ? {} : { project }) }
    const { jobs, missing } = await listJobsWithReasons(await jobsDeps(context), filter)
    warnMissing(io, missing, 'there are no jobs to list')
    const { table } = await import('../../render/table.ts')
    const { age } = await import('../../render/age.ts')
    const now = context.clock.now()
    const data = jobs.map((one) => ({
      ...jobFields(one),
      waitsFor: one.reason === null ? null : reasonFields(one.reason),
      ...usageFields(one.usage),
    }))
    io.result('jobs.list', data, () => {
      if (jobs.length === 0) return missing.length > 0 ? '' : 'No jobs.'
      const head = ['job', 'id', 'state', 'waits for', 'role', 'model', 'try', 'age']
      const rows = jobs.map((one) => cells(io, one, age(now - one.job.createdAt)))
      return table(head, rows, { width: io.streams.stdout.columns, paintHead: io.colors.bold })
    })
  },
}

function cells(io: Io, one: ListedJob, ageText: string) {
  const { job, name, reason, usage } = one
  const model = usage?.model ?? job.plan.model
  const tries = job.attempt === 0 ? `0/${job.maxTries}` : `${job.try}/${job.maxTries}`
  const waits = reason?.short ?? ''
  return [
    name,
    job.id.slice(-shownIdLength),
    stateCell(io, one),
    waits,
    job.role ?? job.executor,
    model,
    tries,
    ageText,
  ]
}

async function parseFilter(options: Readonly<Record<string, unknown>>) {
  // The bare listing is what people type most: it must not wait for the validator.
  if (['state', 'role', 'rehearsed', 'limit'].every((name) => options[name] === undefined)) return {}
  const z = await import('zod')
  const { parseOptions } = await import('../../command.ts')
  const { jobStates } = await import('../../../domain/job-state.ts')
  const isState = (text: string): text is JobState => jobStates.some((state) => state === text)
  const schema = z.object({
    state: z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .refine((states) => states.every(isState), { message: `expected one of ${jobStates.join(', ')}` })
      .transform((states) => states.filter(isState))
      .optional(),
    role: z.string().optional(),
    rehearsed: z.boolean().optional(),
    limit: z.coerce.number({ message: 'expected a number' }).int().min(1).optional(),
  })
  const { state, role, rehearsed, limit } = parseOptions(schema, options)
  return {
    ...(state === undefined ? {} : { states: state }),
    ...(role === undefined ? {} : { role }),
    ...(rehearsed === undefined ? {} : { rehearsed }),
    ...(limit === undefined ? {} : { limit }),
  }
}
