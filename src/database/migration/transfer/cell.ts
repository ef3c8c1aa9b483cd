/** Values on their way from one engine to another. */
import type { ColumnKind } from './column-kind.ts'

/**
 * A value as its engine holds it: null, or a text whose first letter is the type it is stored with: `t` text, `i`
 * integer, `r` real, `b` bytes in hexadecimal digits, `x` text that is no text (not UTF-8). As a text because a
 * JavaScript number holds neither 64 bits of an integer nor the difference between 1 and 1.0.
 */
export type StoredCell = string | null

/** Equal on both engines exactly when the values are: digits, text, hexadecimal digits. */
export type Cell = string | null

/** Why the target would refuse a value. */
export class Refusal {
  /** Completes "the target refuses it: ...". Never contains the value. */
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

const typeNames: Readonly<Record<string, string>> = { t: 'text', i: 'an integer', r: 'a fraction', b: 'bytes' }

/** What the target would store for the value, or why it would refuse it. */
export function judgeCell(stored: StoredCell, kind: ColumnKind): Cell | Refusal {
  if (stored === null) return null
  const tag = stored[0] ?? ''
  const value = stored.slice(1)
  if (tag === 'x') return new Refusal('text that is not valid UTF-8')
  switch (kind.kind) {
    case 'text':
      return tag === 't' ? judgeText(value, kind.mostCharacters) : wrongType(tag, 'text')
    case 'json text':
      return tag === 't' ? judgeJsonText(value) : wrongType(tag, 'JSON')
    case 'json':
      return judgeJson(tag, value)
    case 'integer':
      return tag === 'i' ? judgeInteger(value, kind.bits) : wrongType(tag, 'integers')
    case 'real':
      return tag === 'r' || tag === 'i' ? judgeReal(value, kind.bytes) : wrongType(tag, 'numbers')
    case 'boolean':
      if (tag !== 'i') return wrongType(tag, 'booleans')
      return value === '0' || value === '1' ? value : new Refusal('a number other than 0 and 1 in a column of booleans')
    case 'blob':
      return tag === 'b' ? value : wrongType(tag, 'bytes')
    case 'timestamp':
      return tag === 't' ? judgeTimestamp(value) : wrongType(tag, 'timestamps')
  }
}

function wrongType(tag: string, column: string): Refusal {
  return new Refusal(`${typeNames[tag] ?? 'a value'} in a column of ${column}`)
}

function judgeText(value: string, mostCharacters: number | null): Cell | Refusal {
  if (value.includes('\0')) return new Refusal('text with a NUL character')
  if (mostCharacters === null || value.length <= mostCharacters) return value
  const characters = Array.from(value).length
  if (characters <= mostCharacters) return value
  return new Refusal(`${characters} characters in a column of at most ${mostCharacters}`)
}

function judgeJsonText(value: string): Cell | Refusal {
  const text = judgeText(value, null)
  if (text instanceof Refusal) return text
  return jsonFault(value) ?? value
}

/** The engine may spell it anew, so both sides are compared in one spelling. */
function judgeJson(tag: string, value: string): Cell | Refusal {
  // A column of such a type turns the text of a number into a number on an engine without JSON.
  if (tag !== 't' && tag !== 'i' && tag !== 'r') return wrongType(tag, 'JSON')
  const text = judgeJsonText(value)
  if (text === null || text instanceof Refusal) return text
  const numbers = text.replaceAll(/"(?:\\.|[^"\\])*"/g, '')
  return inexactNumber.test(numbers)
    ? new Refusal('JSON with a number of more than 15 digits')
    : canonicalJson(JSON.parse(text))
}

/** More than a JavaScript number may hold, which reads and writes these columns. */
const inexactNumber = /(?:\d\.?){16}|[eE][+-]?\d{3}/
/** An odd number of backslashes before it would make it the text "\u0000" instead. */
const nulEscape = /(?<!\\)(?:\\\\)*\\u0000/
const surrogateEscape = /(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]/

function jsonFault(text: string): Refusal | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return new Refusal('text that is not valid JSON')
  }
  if (!text.includes('\\u')) return null
  if (nulEscape.test(text)) return new Refusal('JSON with \\u0000')
  return surrogateEscape.test(text) && hasLoneSurrogate(parsed) ? new Refusal('JSON with half a surrogate pair') : null
}

const loneSurrogate = /\p{Surrogate}/u

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return loneSurrogate.test(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => loneSurrogate.test(key) || hasLoneSurrogate(member))
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

const mostInteger: Readonly<Record<16 | 32 | 64, bigint>> = { 16: 2n ** 15n, 32: 2n ** 31n, 64: 2n ** 63n }

function judgeInteger(value: string, bits: 16 | 32 | 64): Cell | Refusal {
  // Nothing of so few digits is beyond the smaller ranges.
  if (value.length <= (bits === 16 ? 4 : 9)) return value
  const number = BigInt(value)
  if (number >= -mostInteger[bits] && number < mostInteger[bits]) return value
  return new Refusal(`an integer beyond ${bits} bits`)
}

function judgeReal(value: string, bytes: 4 | 8): Cell | Refusal {
  const number = value === 'Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value)
  if (Number.isNaN(number)) return new Refusal('a number that is not a number (NaN)')
  if (bytes === 4 && Number.isFinite(number) && shortestSingle(number) !== number)
    return new Refusal('a number that four bytes do not hold exactly')
  return Object.is(number, -0) ? '-0' : String(number)
}

/** What an engine shows of the number once it has kept it in four bytes. */
function shortestSingle(number: number): number {
  const kept = Math.fround(number)
  for (let digits = 1; digits < 9; digits++) {
    const shown = Number(kept.toPrecision(digits))
    if (Math.fround(shown) === kept) return shown
  }
  return Number(kept.toPrecision(9))
}

const moment = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}(?::?\d{2})?)$/

/** In UTC, to the microsecond: `2026-01-02T03:04:05.678901Z`. */
function judgeTimestamp(value: string): Cell | Refusal {
  const found = moment.exec(value)
  if (found === null) return new Refusal('text that is not a time with an offset from UTC')
  const [, date = '', time = '', fraction = '', offset = ''] = found
  const zone = offset === 'Z' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3).replace(':', '') || '00'}`
  const at = new Date(`${date}T${time}${zone}`)
  const isReal = !Number.isNaN(at.getTime()) && isDay(date)
  if (!isReal) return new Refusal('a time that does not exist')
  return `${at.toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`
}

/** JavaScript turns the 31st of February into a day of March. */
function isDay(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date)
}
