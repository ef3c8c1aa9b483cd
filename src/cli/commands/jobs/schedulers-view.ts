/** `jobs list --schedulers`: who runs what, on which machine, and since when. */
import type { JobsDeps } from '../../../scheduling/jobs-deps.ts'
import { listSchedulers, type ListedScheduler, type SchedulerState } from '../../../scheduling/list-schedulers.ts'
import type { Io } from '../../io.ts'
import { age } from '../../render/age.ts'
import { iso } from '../../render/json.ts'
import { table } from '../../render/table.ts'
import { warnMissing } from './jobs-context.ts'
import { shownIdLength } from './job-view.ts'

/** Prints the schedulers; without their table those that own running jobs, by id only. */
export async function showSchedulers(deps: JobsDeps, io: Io): Promise<void> {
  const { schedulers, now, missing } = await listSchedulers(deps)
  warnMissing(
    io,
    missing,
    missing.includes('scheduler_instances') ? 'who runs jobs is not known' : 'what runs is not known',
  )
  io.result('jobs.schedulers', schedulers.map(fieldsOf), () => {
    if (schedulers.length === 0) return missing.length > 0 ? '' : 'No scheduler was seen in the last day.'
    const head = ['scheduler', 'state', 'host', 'pid', 'version', 'started', 'heartbeat', 'at once', 'runs']
    const rows = schedulers.map((one) => cells(io, one, now))
    return table(head, rows, { width: io.streams.stdout.columns, paintHead: io.colors.bold })
  })
}

function fieldsOf({ id, state, instance, jobs }: ListedScheduler) {
  return {
    id,
    state,
    host: instance?.host ?? null,
    pid: instance?.pid ?? null,
    version: instance?.version ?? null,
    concurrency: instance?.concurrency ?? null,
    startedAt: iso(instance?.startedAt ?? null),
    heartbeatAt: iso(instance?.heartbeatAt ?? null),
    stoppedAt: iso(instance?.stoppedAt ?? null),
    jobs,
  }
}

const shownJobs = 4

function cells(io: Io, { id, state, instance, jobs }: ListedScheduler, now: number) {
  const ago = (atMs: number | undefined) => (atMs === undefined ? null : `${age(now - atMs)} ago`)
  const more = jobs.length > shownJobs ? [`and ${jobs.length - shownJobs} more`] : []
  return [
    id.slice(-shownIdLength),
    { text: state, paint: stateColor(io, state) },
    instance?.host ?? null,
    instance?.pid ?? null,
    instance?.version ?? null,
    ago(instance?.startedAt),
    ago(instance?.heartbeatAt),
    instance?.concurrency ?? null,
    [...jobs.slice(0, shownJobs), ...more].join(', '),
  ]
}

function stateColor({ colors }: Io, state: SchedulerState): (text: string) => string {
  switch (state) {
    case 'alive':
      return colors.green
    case 'stale':
      return colors.yellow
    case 'dead':
      return colors.red
    case 'stopped':
      return colors.dim
  }
}
