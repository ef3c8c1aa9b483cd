import { plain } from '../../../render/plain.ts'
import { effectOf, summaryOf, type ReportedFinding, type ReviewReport } from './report.ts'

/** JUnit XML as CI servers read it: a test case for each pending migration and one for whatever else was found. */
export function reviewJunit(report: ReviewReport): string {
  const errors = report.findings.filter(({ level }) => level === 'error')
  const names = new Set(report.steps.map(({ name }) => name))
  const own = (name: string) => errors.filter(({ migration }) => migration === name)
  const cases = [
    ...report.steps.map((step) =>
      testCase(step.name, own(step.name), `${effectOf(step)}\n${Object.values(step.sql).flat().join(';\n')};`),
    ),
    ...errors
      .filter(({ migration }) => migration === null || !names.has(migration))
      .map((finding) => testCase(finding.subject, [finding], '')),
  ]
  const counts = `tests="${cases.length}" failures="${errors.length}" errors="0"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="orch db migrate" ${counts}>`,
    `  <testsuite name="${escape(report.database)}" ${counts}>`,
    ...cases,
    `    <system-out>${escape(summaryOf(report))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')
}

function testCase(name: string, failures: readonly ReportedFinding[], output: string): string {
  const file = failures[0]?.at
  const where = file === null || file === undefined ? '' : ` file="${escape(file.file)}" line="${file.line ?? 1}"`
  const inner = [
    ...failures.map(
      ({ kind, message, next }) =>
        `      <failure type="${kind}" message="${escape(message)}">${escape(`${message}\n${next}`)}</failure>`,
    ),
    ...(output === '' ? [] : [`      <system-out>${escape(output)}</system-out>`]),
  ]
  return [`    <testcase classname="db.migrate" name="${escape(name)}"${where}>`, ...inner, '    </testcase>'].join(
    '\n',
  )
}

function escape(text: string): string {
  return plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
}
