import { errorCodes, type ErrorCode } from '../errors/error-code.ts'
import { OrchError, errorMessage } from '../errors/orch-error.ts'

export const findingSections = ['environment', 'configuration', 'database', 'providers', 'models'] as const
export type FindingSection = (typeof findingSections)[number]

/** One thing the doctor looked at. */
export interface Finding {
  readonly section: FindingSection
  /** `off`: works without it, with less. `broken`: must be mended first. */
  readonly state: 'ok' | 'off' | 'broken'
  readonly text: string
  /** The command or act that improves it. */
  readonly next: string | null
  /** The error that a command would end with; only of what is broken. */
  readonly code: ErrorCode | null
}

/** Builds the findings of one section. */
export function findingsOf(section: FindingSection) {
  const make = (state: 'ok' | 'off') => {
    return (text: string, next: string | null = null): Finding => ({ section, state, text, next, code: null })
  }
  return { ok: make('ok'), off: make('off') }
}

/** Runs one look; what it throws becomes a finding, so that one broken part does not hide the others. */
export async function look(
  section: FindingSection,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work()
  } catch (error) {
    const { code, hint } = error instanceof OrchError ? error : { code: 'ORCH_BUG' as const, hint: undefined }
    return [
      { section: sectionOf(code) ?? section, state: 'broken', text: errorMessage(error), next: hint ?? null, code },
    ]
  }
}

/** Parts build on each other: a broken file of settings shows in all of them, and belongs to one. */
function sectionOf(code: ErrorCode): FindingSection | undefined {
  switch (errorCodes[code].exit) {
    case 'configuration':
      return 'configuration'
    case 'database':
    case 'migrationDrift':
      return 'database'
    default:
      return undefined
  }
}

/** In the order of the sections; the same failure met twice is said once. */
export function orderedFindings(findings: readonly Finding[]): readonly Finding[] {
  return findingSections.flatMap((section) =>
    findings.filter((one, index) => {
      const first = findings.findIndex((other) => other.section === section && other.text === one.text)
      return one.section === section && first === index
    }),
  )
}
