/** `jobs run --dry-run`: what would start when and why, and what would not. */
import type { Context } from '../../../context.ts'
import { forecastRun, type Forecast, type ForecastStart } from '../../../scheduling/forecast-run.ts'
import type { WaitReason } from '../../../scheduling/readiness.ts'
import type { Io } from '../../io.ts'
import { age } from '../../render/age.ts'
import { iso } from '../../render/json.ts'
import { plainLine } from '../../render/plain.ts'
import { table } from '../../render/table.ts'
import { jobsDeps, warnMissing } from './jobs-context.ts'
import { jobFields, reasonFields } from './job-view.ts'
import type { ParsedRunOptions } from './run-options.ts'

/** Prints the forecast of a run with these options. Makes no call and writes nothing. */
export async function showForecast(context: Context, io: Io, parsed: ParsedRunOptions): Promise<void> {
  const deps = await jobsDeps(context)
  const concurrency = parsed.concurrency ?? (await context.settings()).get('limits.concurrency')
  const forecast = await forecastRun(deps, { projectSlug: parsed.project ?? null, concurrency })
  warnMissing(io, forecast.missing, 'nothing would start')
  io.result('jobs.forecast', fieldsOf(forecast, concurrency), () =>
    forecast.missing.length > 0 ? '' : render(io, forecast),
  )
}

function fieldsOf(forecast: Forecast, concurrency: number) {
  const { now, starts, stuck, running, makespanMs } = forecast
  return {
    concurrency,
    makespanMs,
    running: running.map(jobFields),
    starts: starts.map((start) => ({
      ...jobFields(start),
      afterMs: start.afterMs,
      at: iso(now + start.afterMs),
      reason: start.reason,
      waits: start.waits.map(reasonFields),
    })),
    stuck: stuck.map((one) => ({ ...jobFields(one), waits: one.waits.map(reasonFields) })),
  }
}

function render(io: Io, { starts, stuck, running, makespanMs }: Forecast): string {
  const options = { width: io.streams.stdout.columns, paintHead: io.colors.bold }
  const lines: string[] = []
  if (running.length > 0) lines.push(`Running now: ${running.map(({ name }) => plainLine(name)).join(', ')}`, '')
  if (starts.length === 0) lines.push('Nothing would start.')
  else {
    const rows = starts.map((start, index) => [
      index + 1,
      startCell(start),
      start.name,
      start.reason.text,
      shorts(start.waits),
    ])
    lines.push(table(['#', 'starts', 'job', 'because', 'waits for'], rows, options))
    lines.push('', `${starts.length} jobs in about ${age(makespanMs)}, if all succeed. Nothing was started or written.`)
  }
  if (stuck.length > 0) {
    const rows = stuck.map(({ name, waits }) => [name, shorts(waits), waits[0]?.unblock ?? null])
    lines.push('', 'Would not start:', table(['job', 'because', 'what would change it'], rows, options))
  }
  return lines.join('\n')
}

function startCell({ afterMs }: ForecastStart): string {
  return afterMs === 0 ? 'at once' : `in ${age(afterMs)}`
}

function shorts(waits: readonly WaitReason[]): string {
  return waits.map(({ short }) => short).join('; ')
}
