const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const pattern = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/

/** `90s`, `10m`, `1.5h`, or a number of seconds, in milliseconds; null for anything else or for zero. */
export function parseDuration(value: string | number): number | null {
  const match = typeof value === 'number' ? null : pattern.exec(value.trim())
  const amountMs =
    typeof value === 'number' ? value * 1000 : Number(match?.[1]) * (factors[match?.[2] as keyof typeof factors] ?? NaN)
  const rounded = Math.round(amountMs)
  return Number.isSafeInteger(rounded) && rounded > 0 ? rounded : null
}

/** The shortest exact text that `parseDuration` reads back. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (durationMs % factors[unit] === 0) return `${durationMs / factors[unit]}${unit}`
  }
  return `${durationMs}ms`
}
