import type { Context } from '../../../context.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import { exitOfRun, SchedulerRun } from '../../../scheduling/scheduler-run.ts'
import { processJudge } from '../../../scheduling/run-jobs.ts'
import type { Io } from '../../io.ts'
import { toRunOptions } from './run-options.ts'
import { RunOutput } from './run-output.ts'
import { prepareRun, type PreparedRun } from './run-preparation.ts'
import { drainOnSignals } from './run-signals.ts'
import type { WorkOptions } from './run-work.ts'

/** Runs jobs in the foreground until there is a reason to end, shows what happens, and returns what it means. */
export async function runScheduler(
  { context, io }: { readonly context: Context; readonly io: Io },
  options: WorkOptions,
): Promise<ExitName> {
  const prepared = await prepareRun({ context, io }, options)
  if (prepared === null) return 'signal'
  const { work } = prepared
  try {
    return await runWork({ context, io, prepared }, options)
  } finally {
    await work.scratch?.end(options.keep)
    if (work.scratch !== null && options.keep) io.progress(`The rehearsal's database is kept: ${work.scratch.path}`)
  }
}

interface Running {
  readonly context: Context
  readonly io: Io
  readonly prepared: PreparedRun
}

async function runWork({ context, io, prepared }: Running, options: WorkOptions): Promise<ExitName> {
  const { work, settings, hasUsageTable } = prepared
  const { database, tables, databaseTrusted, scratch } = work
  const runOptions = toRunOptions(options, settings, { version: context.version, databaseTrusted })
  const rehearsal = scratch !== null
  const output = new RunOutput({ context, io, database, projectSlug: runOptions.projectSlug, rehearsal, hasUsageTable })
  const { clock, random, ids, crashPoints } = context
  const { execute, canReach, killRemains, spooled, startHeartbeat, shared } = work
  const system = { clock, random, ids, crashPoints, ...processJudge() }
  const surroundings = { ...system, spooled, startHeartbeat, shared, database, tables, execute, canReach, killRemains }
  const run = new SchedulerRun({ ...surroundings, notify: (event) => output.event(event) }, runOptions)
  const unlisten = drainOnSignals(context.signals, run)
  await output.open(() => run.scheduler.held.all())
  try {
    const report = await run.run()
    const exit = exitOfRun(report)
    await output.close({ report, exit })
    return exit
  } catch (error) {
    await output.close(null)
    throw error
  } finally {
    unlisten()
  }
}
