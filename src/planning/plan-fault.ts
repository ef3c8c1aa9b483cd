import { OrchError } from '../errors/orch-error.ts'

/**
 * Every way a plan can be wrong. A code is a contract: the architect's repair call, `--json` and scripts
 * match on it; the message may change.
 */
export const planFaultCodes = {
  no_document: 'the reply or file holds no plan',
  several_documents: 'there is more than one plan and nothing says which is meant',
  truncated: 'the document ends in the middle',
  syntax: 'the document is not YAML or JSON',
  too_large: 'the document is larger than orch reads',
  too_deep: 'the document is nested deeper than orch reads',
  too_many_aliases: 'the document repeats parts by alias more often than orch expands',
  unknown_key: 'a key that plans do not have',
  missing_key: 'a key that must be there',
  wrong_type: 'a value of another type',
  bad_value: 'a value outside what is allowed',
  not_in_this_version: 'something the design names and this version does not build',
  too_many_jobs: 'more jobs than were asked for',
  duplicate_key: 'two jobs with the same key',
  duplicate_check: 'two checks of a job with the same id',
  unknown_role: 'a role the org chart does not have',
  unknown_dependency: 'a dependency on a job that the plan does not have',
  self_dependency: 'a job that waits for itself',
  duplicate_dependency: 'the same dependency twice',
  cycle: 'jobs that wait for each other',
  missing_command: 'a command job without a command',
  misplaced_command: 'a command on a job that does not run one',
  bad_path: 'a path or glob that leaves the workspace or touches a protected folder',
  bad_deliverable: 'a deliverable that the job has no way to write',
  bad_check: 'a check that this job can never meet',
} as const satisfies Record<string, string>

export type PlanFaultCode = keyof typeof planFaultCodes

export type PlanPath = readonly (string | number)[]

export interface PlanFault {
  readonly code: PlanFaultCode
  /** Where in the document: `jobs[2].acceptance[0].run`; empty for the document as a whole. */
  readonly path: string
  /** The same as segments, for lookups. */
  readonly at: PlanPath
  /** What was expected and what was found. */
  readonly message: string
  /** Line in the file, from 1, where the plan came from a file. */
  readonly line: number | null
}

/** Makes a fault; `message` says what was expected and what was found. */
export function planFault(code: PlanFaultCode, at: PlanPath, message: string): PlanFault {
  return { code, path: formatPath(at), at, message, line: null }
}

/** `['jobs', 2, 'run']` as `jobs[2].run`. */
export function formatPath(at: PlanPath): string {
  return at.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

/** One line a person or a model can act on: `line 12: jobs[2].run (wrong_type): expected ..., found ...`. */
export function describeFault(fault: PlanFault): string {
  const line = fault.line === null ? '' : `line ${fault.line}: `
  return `${line}${fault.path === '' ? 'the document' : fault.path} (${fault.code}): ${fault.message}`
}

const shownFaults = 20

/** The error for a plan with faults: all of them up to twenty, one a line. */
export function planInvalid(source: string, faults: readonly PlanFault[], hint?: string): OrchError {
  const shown = faults.slice(0, shownFaults).map((fault) => `  ${describeFault(fault)}`)
  const rest = faults.length - shown.length
  const more = rest > 0 ? [`  and ${rest} more`] : []
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new OrchError('ORCH_PLAN_INVALID', [`${source} has ${count}:`, ...shown, ...more].join('\n'), { hint })
}
