import { effectOf, summaryOf, type Place, type ReviewReport } from './report.ts'

const rules: Readonly<Record<string, string>> = {
  refused: 'The migration would change or destroy what exists, or contains SQL that cannot be checked',
  faulty: 'A statement of the migration fails when it is executed on a clone',
  undeclared: 'The migration does not leave behind what it declares',
  edited: 'The migration was edited after it was applied',
  conflict: 'Something exists under the name of an object of orch and has another shape',
  invalid_index: 'The build of an index did not finish',
  newer: 'The database was migrated by a newer orch',
  unknown: 'The ledger has a migration that this orch does not have',
  missing: 'What an applied migration made is gone and will be created again',
  pending: 'The migration will be applied',
}

/** SARIF 2.1.0 (OASIS), as code scanning takes it: one result for each finding and each pending migration. */
export function reviewSarif(report: ReviewReport): string {
  const found = report.findings
    .filter(({ kind }) => kind !== 'pending')
    .map(({ kind, level, message, next, at, subject }) =>
      result({ rule: kind, level, text: `${message}\n${next}`, at, subject }),
    )
  const pending = report.steps.map((step) => ({
    ...result({
      rule: 'pending',
      level: 'note',
      text: `${step.name} ${effectOf(step)}: ${step.reason}`,
      at: step.at,
      subject: step.name,
    }),
    properties: { statements: step.sql },
  }))
  const driver = {
    name: 'orch',
    semanticVersion: report.toolVersion,
    rules: Object.entries(rules).map(([id, text]) => ({ id, shortDescription: { text } })),
  }
  const invocation = {
    executionSuccessful: true,
    exitCode: report.exitCode,
    exitCodeDescription: summaryOf(report),
  }
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, invocations: [invocation], results: [...found, ...pending] }],
  }
  return JSON.stringify(log, null, 2)
}

interface Result {
  readonly rule: string
  readonly level: 'error' | 'note'
  readonly text: string
  readonly at: Place | null
  readonly subject: string
}

function result({ rule, level, text, at, subject }: Result) {
  const logical = { logicalLocations: [{ name: subject, kind: 'object' }] }
  const physical =
    at === null
      ? {}
      : { physicalLocation: { artifactLocation: { uri: encodeURI(at.file) }, region: { startLine: at.line ?? 1 } } }
  return {
    ruleId: rule,
    ruleIndex: Object.keys(rules).indexOf(rule),
    level,
    message: { text },
    locations: [{ ...physical, ...logical }],
    // The same finding of two runs is one alert.
    partialFingerprints: { 'orchFinding/v1': `${rule}:${subject}` },
  }
}
