/**
 * The part of a job's prompt that a program can read: one fenced line of JSON. A real model sees it as a
 * short table of contents; the rehearsal provider reads what it must deliver from it.
 */
export interface JobBrief {
  readonly key: string
  /** Paths or globs, as the plan states them. */
  readonly deliverables: readonly string[]
  /** Ids of the acceptance checks. */
  readonly acceptance: readonly string[]
  /** Text that a check expects inside a deliverable, by path. */
  readonly contains: Readonly<Record<string, string>>
}

const fencedBrief = /^```orch-job\n(.*)\n```$/m

/** The brief as a fenced block of three lines. JSON has no bare newline, so its content cannot end the fence. */
export function formatJobBrief(brief: JobBrief): string {
  const { key, deliverables, acceptance, contains } = brief
  return `\`\`\`orch-job\n${JSON.stringify({ key, deliverables, acceptance, contains })}\n\`\`\``
}

/** The first brief in a prompt, or null where there is none or it is not well-formed. */
export function parseJobBrief(prompt: string): JobBrief | null {
  const line = fencedBrief.exec(prompt)?.[1]
  if (line === undefined) return null
  try {
    return toBrief(JSON.parse(line))
  } catch {
    return null
  }
}

function toBrief(value: unknown): JobBrief | null {
  if (typeof value !== 'object' || value === null) return null
  const { key, deliverables, acceptance, contains } = value as Record<string, unknown>
  if (typeof key !== 'string' || !isTexts(deliverables) || !isTexts(acceptance)) return null
  return { key, deliverables, acceptance, contains: isTextByPath(contains) ? contains : {} }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isTextByPath(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && isTexts(Object.values(value))
}
