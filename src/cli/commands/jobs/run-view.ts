/** What happens in a run, as `--json` prints it and as a line for people. */
import type { FinishReport } from '../../../database/queries/finish.ts'
import type { ClaimedJob } from '../../../database/queries/claim.ts'
import type { Outcome } from '../../../execution/attempt.ts'
import type { SchedulerEvent } from '../../../scheduling/scheduler-types.ts'
import { age } from '../../render/age.ts'
import { iso } from '../../render/json.ts'
import { plainLine } from '../../render/plain.ts'

type Ended = SchedulerEvent & { kind: 'ended' }

export function jobName({ job, project }: ClaimedJob): string {
  return `${project.slug}/${job.key}`
}

/** The event's own fields; the caller adds the time and whether it is a rehearsal. */
export function eventData(event: SchedulerEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case 'started':
      return { event: 'started', ...attemptFields(event.claimed) }
    case 'ended':
      return {
        event: 'ended',
        ...attemptFields(event.claimed),
        outcome: event.outcome.kind,
        state: event.report?.state ?? null,
        reason: reasonOf(event.outcome),
        rehearsed: event.outcome.kind === 'completed' && event.outcome.rehearsed,
        durationMs: Math.round(event.durationMs),
        runAt: iso(event.report?.runAt ?? null),
        released: event.report?.released ?? [],
        skipped: event.report?.skipped ?? [],
      }
    case 'rescued':
      return { event: 'rescued', jobId: event.report.jobId, attempt: event.report.attempt, hold: event.report.hold }
    case 'warning':
      return { event: 'warning', message: event.message, hint: event.hint }
    case 'tables_missing':
      return { event: 'tables_missing', tables: event.tables }
    case 'tables_found':
      return { event: 'tables_found' }
    case 'outage':
      return { event: 'outage', cause: event.cause, message: event.message }
    case 'recovered':
      return { event: 'recovered' }
    case 'draining':
      return { event: 'draining', running: event.running }
    case 'stopping':
      return { event: 'stopping', running: event.running }
  }
}

function attemptFields(claimed: ClaimedJob) {
  const { job } = claimed
  return { jobId: job.id, job: jobName(claimed), attempt: job.attempt, try: job.try, maxTries: job.maxTries }
}

/** One line; made plain, because it may hold what a model wrote. */
export function eventText(event: SchedulerEvent): string {
  switch (event.kind) {
    case 'started':
      return plainLine(`started    ${jobName(event.claimed)}${tryText(event.claimed)}`)
    case 'ended':
      return plainLine(endedText(event))
    case 'rescued':
      return `rescued    ${event.report.jobId}${event.report.hold === null ? '' : ', quarantined'}`
    case 'warning':
      return plainLine(`warning    ${event.message}${event.hint === null ? '' : ` (${event.hint})`}`)
    case 'tables_missing':
      return `waiting    no table ${event.tables.join(', ')}: nothing can start; create them with \`orch db migrate\``
    case 'tables_found':
      return 'ready      every table is there'
    case 'outage':
      return plainLine(`outage     ${event.message}; results are kept, trying again`)
    case 'recovered':
      return 'recovered  the database answers again'
    case 'draining':
      return `draining   ${event.running} running; nothing new starts. Once more stops them, a third time exits at once`
    case 'stopping':
      return `stopping   giving ${event.running} jobs back; their tries are not charged`
  }
}

function endedText(event: Ended): string {
  const { claimed, outcome, report, durationMs } = event
  const reason = reasonOf(outcome)
  const because = reason === null ? '' : `: ${reason}`
  const simulated = outcome.kind === 'completed' && outcome.rehearsed ? ', rehearsed with a simulated model' : ''
  const word = endWord(outcome, report)
  return `${word.padEnd(10)} ${jobName(claimed)} after ${age(durationMs)}${simulated}${because}${skipText(report)}`
}

/** What became of the job, in one word. */
export function endWord(outcome: Outcome, report: FinishReport | null): string {
  if (report === null || !report.accepted) return outcome.kind === 'cancelled' ? 'cancelled' : 'lost'
  if (outcome.kind === 'failed' && report.state === 'ready') return 'retrying'
  if (outcome.kind === 'wait') return 'waiting'
  return outcome.kind
}

function skipText(report: FinishReport | null): string {
  const skipped = report?.skipped.length ?? 0
  return skipped === 0 ? '' : ` (${skipped} behind it skipped)`
}

function tryText({ job }: ClaimedJob): string {
  return job.try > 1 || job.attempt > 1 ? ` (try ${job.try} of ${job.maxTries})` : ''
}

function reasonOf(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case 'failed':
      return outcome.failure.message
    case 'wait':
    case 'released':
      return outcome.reason
    case 'completed':
    case 'cancelled':
    case 'lost':
      return null
  }
}
