/** Foreign text and JSON as orch may store it: whatever is named or shaped like a key is left out. */
import { redact } from '../../runtime/redaction.ts'

const keyName =
  /^(x[-_])?(api[-_]?key|authori[sz]ation|password|passwd|secret|token|bearer|credentials?)$|(api|secret|private|access)[-_]?(key|token)$|[a-z][-_]?secret$/i

/** The value without keys, however deep. Numbers, such as counts of tokens, stay. */
export function withoutKeys(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(withoutKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      typeof member === 'string' && keyName.test(name) ? [] : [[redact(name), withoutKeys(member)]],
    ),
  )
}

/** A text column; null where it is missing, empty, or no text. */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.trim() === '') return null
  return redact(value.trim())
}

/** A number column; null for NaN and infinity, too. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A count; null unless it is a whole number from 0 that can be told exactly. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** Epoch milliseconds of a time column; the fallback where it is missing or infinite. */
export function timeOf(value: unknown, fallbackMs: number): number {
  const time = numberOf(value)
  return time === null || Math.abs(time) > 8.64e15 ? fallbackMs : Math.round(time)
}
