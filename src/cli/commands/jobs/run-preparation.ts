/** Everything a run needs of the database before its first pass, with the patience of one that keeps running. */
import type { Settings } from '../../../config/settings.ts'
import type { Context } from '../../../context.ts'
import { awaitDatabase } from '../../../scheduling/await-database.ts'
import type { RunWork } from '../../../scheduling/run-jobs.ts'
import type { SchedulerEvent } from '../../../scheduling/scheduler-types.ts'
import type { Io } from '../../io.ts'
import { iso } from '../../render/json.ts'
import { maxWaitMsOf } from './run-options.ts'
import { eventData, eventText } from './run-view.ts'
import { prepareWork, type WorkOptions } from './run-work.ts'

export interface PreparedRun {
  readonly work: RunWork
  readonly settings: Settings
  readonly hasUsageTable: boolean
}

/**
 * Null when a stop signal came before the database was there: nothing ran. A run that ends by itself waits no longer
 * for the database than for work.
 */
export async function prepareRun(
  { context, io }: { readonly context: Context; readonly io: Io },
  options: WorkOptions,
): Promise<PreparedRun | null> {
  const stop = new AbortController()
  const unlisten = context.signals.listen(() => stop.abort())
  const { clock, random } = context
  const notify = (event: SchedulerEvent) => {
    const data = { ...eventData(event), at: iso(clock.now()), rehearsal: options.rehearse }
    io.event('jobs.run', data, () => eventText(event))
  }
  const maxWaitMs = options.untilIdle || options.rehearse ? maxWaitMsOf(options) : null
  const exists = () => context.databaseExists()
  try {
    const waiting = { clock, random, notify, signal: stop.signal, exists, maxWaitMs }
    return await awaitDatabase(waiting, () => prepare(context, options))
  } finally {
    unlisten()
  }
}

async function prepare(context: Context, options: WorkOptions): Promise<PreparedRun> {
  const work = await prepareWork(context, options)
  // No table is required: a run waits for what is missing. A database of a newer orch is refused here.
  await work.tables.require([], 'jobs run')
  const hasUsageTable = work.scratch === null && (await work.tables.has('model_usage'))
  return { work, settings: await context.settings(), hasUsageTable }
}
