import type { AttemptRecord } from '../../../database/repositories/attempt-repository.ts'
import type { Evidence, Job } from '../../../domain/job.ts'
import type { JobDescription } from '../../../scheduling/describe-job.ts'
import type { Io } from '../../io.ts'
import { age } from '../../render/age.ts'
import { iso } from '../../render/json.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { table } from '../../render/table.ts'
import { costText, shownIdLength, stateColor } from './job-view.ts'

/** The description of a job for people. */
export function renderDescription(description: JobDescription, io: Io): string {
  const { named } = description.explanation
  const { job } = named
  const heading = `${io.colors.bold(plainLine(named.name))}  ${stateColor(io, job.state)(job.state)}`
  const lines = [
    `${heading}  ${plainLine(job.title)}`,
    plain(`${description.explanation.headline}.`),
    ...description.explanation.reasons.map((reason) => plain(`- ${reason.text}. ${reason.unblock}`)),
    '',
    ...facts(description).map(([name, value]) => `${name.padEnd(12)}${plainLine(value)}`),
    ...section('Result', job.result === null ? [] : resultLines(job)),
    ...section('Attempts', description.attempts.length === 0 ? [] : [attemptTable(description.attempts, io)]),
    ...section('Evidence', evidenceLines(description.attempts.at(-1)?.evidence ?? [], io)),
    ...section('Journal', journalLines(description)),
  ]
  return lines.join('\n')
}

function facts({
  explanation,
  dependencies,
  dependants,
  usage,
}: JobDescription): readonly (readonly [string, string])[] {
  const { job } = explanation.named
  const names = (jobs: readonly Job[]) => jobs.map(({ key, state }) => `${key} (${state})`).join(', ') || '-'
  return [
    ['id', job.id],
    ['role', `${job.role ?? '-'} (${job.executor})`],
    ['tries', `${job.try} of ${job.maxTries}, ${job.attempt} attempts`],
    ['depends on', names(dependencies)],
    ['needed by', names(dependants)],
    ['model', usage?.model ?? job.plan.model ?? '-'],
    ['cost', `${costText(usage)} (${usage?.calls ?? 0} calls)`],
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines]
}

function resultLines({ result, rehearsed }: Job): string[] {
  const simulated = rehearsed ? ['  A rehearsal: a simulated model wrote this.'] : []
  const files = (result?.files ?? []).map((file) => plainLine(`  ${file.path} (${file.bytes} bytes)`))
  return [...simulated, `  ${plainLine(result?.summary ?? '')}`, ...files]
}

function attemptTable(attempts: readonly AttemptRecord[], io: Io): string {
  const rows = attempts.map((attempt) => [
    attempt.number,
    attempt.try,
    iso(attempt.startedAt),
    attempt.endedAt === null ? '-' : age(attempt.endedAt - attempt.startedAt),
    attempt.outcome ?? 'running',
    attempt.failure?.message ?? '',
  ])
  const head = ['#', 'try', 'started', 'took', 'outcome', 'why']
  return table(head, rows, { width: io.streams.stdout.columns, paintHead: io.colors.bold })
}

function evidenceLines(evidence: readonly Evidence[], { colors }: Io): string[] {
  return evidence.map(({ id, check, passed, found }) => {
    const mark = passed ? colors.green('passed') : colors.red('failed')
    return `  ${mark}  ${plainLine(`${id} (${check}): ${found}`)}`
  })
}

function journalLines({ journal, errands }: JobDescription): string[] {
  const counts = journal.map(({ try: number, kind, name, status, errands: count }) =>
    plainLine(`  try ${number}: ${count} x ${kind} ${name} (${status})`),
  )
  const left = errands.length - mostErrands
  const shown = errands.slice(-mostErrands).map(errandLine)
  return [...counts, ...(left > 0 ? [`  ... ${left} earlier errands: --json shows them all`] : []), ...shown]
}

/** The newest errands that people are shown. */
const mostErrands = 30

/** `    12  1a2b3c4d  task 1  tool write (done)`: place and end of the id name it to `jobs retry --from`. */
function errandLine({ id, ordinal, taskOrdinal, kind, name, status }: JobDescription['errands'][number]): string {
  const place = String(ordinal).padStart(6)
  return plainLine(`${place}  ${id.slice(-shownIdLength)}  task ${taskOrdinal}  ${kind} ${name} (${status})`)
}
