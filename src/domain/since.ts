const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * When a report begins, in epoch milliseconds: a duration before now (`90m`, `8h`, `7d`, `2w`), a day
 * (`2026-11-01`, from midnight UTC) or a moment in ISO 8601. Null for any other text.
 */
export function parseSince(text: string, nowMs: number): number | null {
  const duration = /^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)$/.exec(text.trim())
  if (duration !== null) return nowMs - Number(duration[1]) * unitMs[duration[2] as keyof typeof unitMs]
  const moment = /^(\d{4}-\d{2}-\d{2})(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text.trim())
  const at = Date.parse(text.trim())
  return moment === null || Number.isNaN(at) || !dayExists(moment[1] ?? '') ? null : at
}

/** Date.parse reads 31 February as 3 March. */
function dayExists(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day)
}
