import { anyTable } from '../../doctor/table-use.ts'
import type { ExitName } from '../../errors/exit-code.ts'
import type { CommandModule, Invocation } from '../command.ts'

/** The sample project of DESIGN section 9. */
const blueprint = 'repo-report'

export const command: CommandModule = {
  summary: 'set up .orch/ here, plan a sample project and run it to its end',
  example: 'orch quickstart',
  tables: anyTable,
  handlesSignals: true,
  declare: (command) => void command.option('--concurrency <number>', 'jobs at once (default: limits.concurrency)'),
  run: async (invocation) => {
    const { io } = invocation
    const [{ initialize }, { runPlan }] = await Promise.all([import('./init.ts'), import('./project/plan-run.ts')])
    const done = await initialize(invocation)
    await requireTrust(done.database)
    io.progress(`1/3 set up ${done.directory}`)
    io.progress(
      done.providers.length === 0
        ? rehearsalNotice
        : `Models are called at ${done.providers.map(({ id }) => id).join(', ')}.`,
    )
    const { planned } = await runPlan(invocation, sampleOptions)
    const { plan, project } = planned
    io.progress(`2/3 planned ${plan.project}: ${plan.jobs.length} jobs, approved by this command`)
    io.progress(`3/3 running ${plan.project}`)
    const exit = await runSample(invocation, plan.project)
    await report(invocation, { slug: plan.project, workspace: project?.workspace ?? planned.workspace })
    return exit
  },
}

async function requireTrust({
  address,
  trusted,
}: {
  readonly address: string
  readonly trusted: boolean
}): Promise<void> {
  if (trusted) return
  const { OrchError } = await import('../../errors/orch-error.ts')
  throw new OrchError(
    'ORCH_CONFIG_UNTRUSTED',
    `${address} was not created by you on this machine, so nothing in it runs`,
    {
      hint: 'Look at what it holds, then run `orch db trust` and this command again',
    },
  )
}

const rehearsalNotice = [
  'No model provider was found, so the model jobs of this sample are a rehearsal: a simulated model writes them,',
  'and every file it writes says so. The command jobs are real. To use a model: orch providers detect',
].join('\n')

const sampleOptions = {
  source: { kind: 'blueprint', name: blueprint, goal: null },
  name: null,
  budgetMicroUsd: null,
  maxJobs: null,
  workspace: null,
  model: null,
  out: null,
  approve: true,
  dryRun: false,
  allowUnpriced: false,
} as const

async function runSample({ context, io, options }: Invocation, project: string): Promise<ExitName> {
  const [{ parseRunOptions }, { runScheduler }] = await Promise.all([
    import('./jobs/run-options.ts'),
    import('./jobs/run-scheduler.ts'),
  ])
  const { concurrency } = options
  const run = parseRunOptions({ project, untilIdle: true, ...(concurrency === undefined ? {} : { concurrency }) })
  return runScheduler({ context, io }, { ...run, allowRehearsal: true })
}

interface Sample {
  readonly slug: string
  readonly workspace: string
}

/** What there is now, and what to do next. */
async function report({ context, io }: Invocation, { slug, workspace }: Sample): Promise<void> {
  const [{ listJobsWithReasons }, { jobsDeps }, { plainLine }] = await Promise.all([
    import('../../scheduling/list-jobs.ts'),
    import('./jobs/jobs-context.ts'),
    import('../render/plain.ts'),
  ])
  const { jobs } = await listJobsWithReasons(await jobsDeps(context), { project: slug })
  const files = jobs.flatMap(({ job }) => (job.result?.files ?? []).map(({ path }) => ({ path, job: job.key })))
  const rehearsed = jobs.filter(({ job }) => job.rehearsed).map(({ job }) => job.key)
  io.event('quickstart', { project: slug, workspace, files, rehearsed }, () =>
    [
      '',
      files.length === 0 ? 'No file was produced.' : `Files in ${plainLine(workspace)}:`,
      ...files.map(({ path, job }) => `  ${plainLine(path)}${rehearsed.includes(job) ? '  (rehearsal)' : ''}`),
      ...(rehearsed.length === 0 ? [] : ['', `Simulated, not written by a model: ${plainLine(rehearsed.join(', '))}`]),
      '',
      'Next:',
      ...nextSteps(slug, rehearsed.length > 0),
    ].join('\n'),
  )
}

function nextSteps(slug: string, rehearsed: boolean): string[] {
  const steps = [
    [`orch project show ${slug}`, 'the plan and what became of it'],
    ['orch usage', 'tokens and money'],
    ...(rehearsed ? [[`orch jobs retry --rehearsed ${slug}`, 'once a provider is there']] : []),
    ['orch project plan "<your goal>"', 'a plan of your own'],
  ] as const
  const width = Math.max(...steps.map(([command]) => command?.length ?? 0))
  return steps.map(([command = '', what = '']) => `  ${command.padEnd(width)}  ${what}`)
}
