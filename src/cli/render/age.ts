const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** A duration for people: `0.4s`, `12s`, `3m 05s`, `2h 10m`, `4d 3h`. */
export function age(durationMs: number): string {
  const duration = Math.max(0, durationMs)
  if (duration < 10_000) return `${(duration / 1000).toFixed(1)}s`
  if (duration < minuteMs) return `${Math.floor(duration / 1000)}s`
  if (duration < hourMs) return pair(duration, { large: minuteMs, small: 1000, units: 'ms' })
  if (duration < dayMs) return pair(duration, { large: hourMs, small: minuteMs, units: 'hm' })
  return pair(duration, { large: dayMs, small: hourMs, units: 'dh' })
}

function pair(durationMs: number, { large, small, units }: { large: number; small: number; units: string }): string {
  const rest = Math.floor((durationMs % large) / small)
  return `${Math.floor(durationMs / large)}${units[0]} ${String(rest).padStart(2, '0')}${units[1]}`
}
