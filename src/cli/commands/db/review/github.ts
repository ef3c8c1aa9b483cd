import { plain } from '../../../render/plain.ts'
import { effectOf, summaryOf, type Place, type ReviewReport } from './report.ts'

/**
 * Workflow commands of GitHub Actions: each finding on its line of the pull request, the SQL in a group of the log.
 * Escapes as docs.github.com/actions "Workflow commands" and actions/toolkit's `command.ts` do.
 */
export function reviewGithub(report: ReviewReport): string {
  const found = report.findings
    .filter(({ kind }) => kind !== 'pending')
    .map(({ level, kind, message, next, at, exitCode }) => {
      const title = `orch db migrate: ${kind.replace('_', ' ')} (exit ${exitCode})`
      return annotation(level === 'error' ? 'error' : 'notice', { title, at }, `${message}\n${next}`)
    })
  const pending = report.steps.flatMap((step) => [
    annotation('notice', { title: `orch db migrate: ${step.name}`, at: step.at }, `${effectOf(step)}: ${step.reason}`),
    `::group::${data(step.name)}`,
    ...Object.entries(step.sql).flatMap(([engine, statements]) => statements.map((sql) => quoted(engine, sql))),
    '::endgroup::',
  ])
  const holder =
    report.lockHolder === null
      ? []
      : [annotation('notice', { title: 'orch db migrate', at: null }, `Being migrated by ${report.lockHolder}`)]
  return [...found, ...pending, ...holder, plain(summaryOf(report))].join('\n')
}

interface Heading {
  readonly title: string
  readonly at: Place | null
}

function annotation(level: 'error' | 'notice', { title, at }: Heading, message: string): string {
  const where = at === null ? [] : [`file=${property(at.file)}`, `line=${at.line ?? 1}`]
  return `::${level} ${[...where, `title=${property(title)}`].join(',')}::${data(message)}`
}

/** A line of SQL that begins like a command would be obeyed, so each line begins with the engine's name. */
function quoted(engine: string, sql: string): string {
  return plain(`${sql};`)
    .split('\n')
    .map((line) => `${engine}> ${line}`)
    .join('\n')
}

function data(text: string): string {
  return plain(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
