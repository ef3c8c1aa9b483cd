import { plain } from '../../../render/plain.ts'
import { counted, effectOf, type ReportedFinding, type ReportedMigration, type ReviewReport } from './report.ts'

/** For people: what is wrong first, then every migration with its SQL, then how far it was proven. */
export function reviewText(report: ReviewReport): string {
  const { steps, findings, remaining, database, lockHolder } = report
  const errors = findings.filter(({ level }) => level === 'error')
  const holder = lockHolder === null ? [] : [`Being migrated at this moment by ${lockHolder}.`]
  const rest = remaining === 0 ? [] : [`${remaining} later ones stay pending.`]
  if (errors.length > 0) {
    return plain([`${verdict(report)}`, ...errors.map(findingText), ...blocks(steps), ...holder].join('\n\n'))
  }
  if (steps.length === 0) {
    return plain([`Nothing to do: ${database} is up to date. Nothing was written.`, ...rest, ...holder].join('\n'))
  }
  const end = `${proofText(report)} Nothing was written; apply with orch db migrate.`
  const head = `${counted(steps.length, 'migration')} pending in ${database}.`
  return plain([head, ...blocks(steps), [end, ...rest, ...holder].join('\n')].join('\n\n'))
}

function verdict({ exit, database }: ReviewReport): string {
  if (exit === 'migrationDrift' || exit === 'migrationIncomplete') {
    return `Drift in ${database}: a real run would refuse to do anything.`
  }
  return exit === 'migrationRefused'
    ? 'Refused: orch only runs migrations that create.'
    : `A real run on ${database} would fail.`
}

function findingText({ message, next, at, exitCode }: ReportedFinding): string {
  const where = at === null ? '' : `\n    at ${at.file}${at.line === null ? '' : `:${at.line}`}`
  return `  ${message} (exit ${exitCode})${where}\n    ${next}`
}

function blocks(steps: readonly ReportedMigration[]): readonly string[] {
  return steps.map((step) => {
    const shown = Object.entries(step.sql)
    const statements = shown.flatMap(([engine, sql]) => [
      ...(shown.length > 1 ? [`-- ${engine}:`] : []),
      ...sql.map((text) => `${text};`),
    ])
    return [`-- ${step.name}: ${effectOf(step)}`, `-- ${step.reason}`, ...statements].join('\n')
  })
}

function proofText({ validations }: ReviewReport): string {
  const shown = Object.entries(validations)
  return shown
    .map(([engine, validation]) => {
      const where = shown.length > 1 ? ` for ${engine}` : ''
      return validation === 'executed'
        ? `Checked by executing them on a clone${where}.`
        : `Compiled, not executed: no clone could be made${where}.`
    })
    .join(' ')
}
