/** Jobs as `--json` prints them and as people read them. */
import type { JobUsage } from '../../../database/queries/job-usage.ts'
import type { JobState } from '../../../domain/job-state.ts'
import { formatMicroUsd } from '../../../domain/money.ts'
import type { ListedJob } from '../../../scheduling/list-jobs.ts'
import type { WaitReason } from '../../../scheduling/readiness.ts'
import type { NamedJob } from '../../../scheduling/resolve-job.ts'
import type { Io } from '../../io.ts'
import { iso, money } from '../../render/json.ts'

/** Characters of an id that lists show; any unique suffix works where an id is asked for. */
export const shownIdLength = 8

/** The fields every document about a job has. */
export function jobFields({ job, project, name }: NamedJob) {
  return {
    id: job.id,
    name,
    project: project.slug,
    key: job.key,
    title: job.title,
    state: job.state,
    hold: job.hold,
    role: job.role,
    executor: job.executor,
    try: job.try,
    maxTries: job.maxTries,
    attempt: job.attempt,
    rehearsed: job.rehearsed,
    createdAt: iso(job.createdAt),
    startedAt: iso(job.startedAt),
    finishedAt: iso(job.finishedAt),
  }
}

/** Usage with its money: a sum that is not the whole is null, never a smaller number. */
export function usageFields(usage: JobUsage | null) {
  return {
    model: usage?.model ?? null,
    calls: usage?.calls ?? 0,
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    cost: usage === null ? money(0) : usage.unknownCalls > 0 ? null : money(usage.knownMicroUsd),
    simulatedCalls: usage?.simulatedCalls ?? 0,
  }
}

/** What a job cost, for people: `$0.12`, `$0.12 + 2 unknown`, `simulated`. */
export function costText(usage: JobUsage | null): string {
  if (usage === null) return '-'
  if (usage.simulatedCalls === usage.calls) return 'simulated'
  const known = formatMicroUsd(usage.knownMicroUsd)
  if (usage.unknownCalls === 0) return known
  return usage.knownMicroUsd === 0 ? 'unknown' : `${known} + ${usage.unknownCalls} unknown`
}

export function reasonFields(reason: WaitReason) {
  const { name, short, text, unblock, untilMs } = reason
  return { name, short, text, unblock, until: iso(untilMs) }
}

/** A state in its colour. */
export function stateCell(io: Io, { job }: ListedJob | NamedJob) {
  const suffix = job.rehearsed ? ' (rehearsed)' : ''
  return { text: `${job.state}${suffix}`, paint: stateColor(io, job.state) }
}

export function stateColor({ colors }: Io, state: JobState): (text: string) => string {
  switch (state) {
    case 'completed':
      return colors.green
    case 'failed':
      return colors.red
    case 'running':
      return colors.cyan
    case 'skipped':
    case 'cancelled':
      return colors.yellow
    case 'blocked':
      return colors.dim
    case 'ready':
      return String
  }
}
