/** How long a provider told us to wait, read from headers. All results are milliseconds from now. */

type Headers = Readonly<Record<string, string>>

/** Longer told delays are capped here: after a day it is worth asking again. */
export const longestToldDelayMs = 24 * 60 * 60 * 1000

/** The told delay, or undefined where none is stated. `retry-after-ms` (OpenAI) is finer than `retry-after`. */
export function toldDelayMs(headers: Headers, nowMs: number): number | undefined {
  const told =
    millisecondsHeader(headers) ?? retryAfterMs(headers['retry-after'], nowMs) ?? exhaustedResetMs(headers, nowMs)
  return told === undefined ? undefined : Math.min(Math.max(0, Math.ceil(told)), longestToldDelayMs)
}

function millisecondsHeader(headers: Headers): number | undefined {
  const value = headers['retry-after-ms']
  return value !== undefined && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : date - nowMs
}

/** Dimension names of OpenAI, Groq and Anthropic. */
const dimensions = ['requests', 'tokens', 'input-tokens', 'output-tokens']

/** The reset of the dimension that is used up; the latest where several are. */
function exhaustedResetMs(headers: Headers, nowMs: number): number | undefined {
  const resets = limitHeaders
    .filter(([remaining]) => headers[remaining] !== undefined && Number(headers[remaining]) <= 0)
    .map(([, reset]) => parseReset(headers[reset], nowMs))
    .filter((delay) => delay !== undefined)
  return resets.length === 0 ? undefined : Math.max(...resets)
}

/** Names of the remaining amount and of its reset: OpenAI and Groq, Anthropic, OpenRouter. */
const limitHeaders: readonly (readonly [string, string])[] = [
  ...dimensions.map((name) => [`x-ratelimit-remaining-${name}`, `x-ratelimit-reset-${name}`] as const),
  ...dimensions.map((name) => [`anthropic-ratelimit-${name}-remaining`, `anthropic-ratelimit-${name}-reset`] as const),
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
]

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `6m0s` and `12ms` (OpenAI), an instant (Anthropic), epoch milliseconds (OpenRouter), or seconds. */
function parseReset(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) > 1e11 ? Number(value) - nowMs : Number(value) * 1000
  if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(value)) return durationMs(value)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : date - nowMs
}

/** `1h2m3.5s` in milliseconds; protobuf's `39.5s` (Google's RetryInfo) is the same form. */
export function durationMs(text: string): number {
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0)
  }
  return total
}

/** Until the next midnight of US Pacific time, when Google renews daily quotas (ai.google.dev, "Rate limits"). */
export function untilPacificMidnightMs(nowMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/Los_Angeles',
    hourCycle: 'h23',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(nowMs)
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value ?? 0)
  const passedMs = ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1000
  return longestToldDelayMs - passedMs
}
