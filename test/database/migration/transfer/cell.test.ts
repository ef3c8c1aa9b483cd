import { expect, it } from 'vitest'
import { judgeCell, Refusal } from '../../../../src/database/migration/transfer/cell.ts'
import { columnKind, type ColumnKind } from '../../../../src/database/migration/transfer/column-kind.ts'
import { ContentHash } from '../../../../src/database/migration/transfer/content-hash.ts'

function judged(stored: string | null, kind: ColumnKind): string | null {
  const cell = judgeCell(stored, kind)
  return cell instanceof Refusal ? `refused: ${cell.reason}` : cell
}

function kindOf(type: string): ColumnKind {
  const kind = columnKind(type)
  if (kind === null) throw new Error(`no kind for ${type}`)
  return kind
}

it.each([
  ['smallint', 'i32767', '32767'],
  ['smallint', 'i32768', 'refused: an integer beyond 16 bits'],
  ['integer', 'i-2147483648', '-2147483648'],
  ['bigint', 'i-9223372036854775808', '-9223372036854775808'],
  ['bigint', 'r1.0', 'refused: a fraction in a column of integers'],
  ['double precision', 'r0.1', '0.1'],
  ['double precision', 'rInf', 'Infinity'],
  ['double precision', 'r-0.0', '-0'],
  ['double precision', 'rNaN', 'refused: a number that is not a number (NaN)'],
  ['real', 'r0.1', '0.1'],
  ['real', 'r16777216.0', '16777216'],
  ['real', 'r0.10000000149011612', 'refused: a number that four bytes do not hold exactly'],
  ['boolean', 'i1', '1'],
  ['boolean', 'i2', 'refused: a number other than 0 and 1 in a column of booleans'],
  ['boolean', 'ttrue', 'refused: text in a column of booleans'],
  ['bytea', 'b00FF', '00FF'],
  ['bytea', 't00FF', 'refused: text in a column of bytes'],
  ['varchar(2)', 't🚀🚀', '🚀🚀'],
  ['character varying(2)', 'tabc', 'refused: 3 characters in a column of at most 2'],
  ['jsonb', 't{ "b": 1.0, "a": "9007199254740993" }', '{"a":"9007199254740993","b":1}'],
  ['jsonb', 'i5', '5'],
  ['jsonb', 't9007199254740993', 'refused: JSON with a number of more than 15 digits'],
  ['timestamp with time zone', 't2026-01-02 03:04:05.5+02', '2026-01-02T01:04:05.500000Z'],
  ['timestamptz', 't2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678901Z'],
  ['timestamptz', 't2026-02-31T03:04:05Z', 'refused: a time that does not exist'],
  ['timestamptz', 'i1767323045000', 'refused: an integer in a column of timestamps'],
  ['timestamptz', 't', 'refused: text that is not a time with an offset from UTC'],
  ['text', null, null],
  ['text', 'x', 'refused: text that is not valid UTF-8'],
])('a column of %s takes %j as %j', (type, stored, expected) => {
  expect(judged(stored, kindOf(type))).toBe(expected)
})

it('knows no kind for what only one engine has', () => {
  expect(columnKind('int4range')).toBeNull()
  expect(columnKind('numeric(10,2)')).toBeNull()
})

it.each([
  ['{"a":"\\u0000"}', 'refused: JSON with \\u0000'],
  ['{"a":"\\\\u0000"}', '{"a":"\\\\u0000"}'],
  ['"\\ud83d\\ude80"', '"\\ud83d\\ude80"'],
  ['"\\ud83d"', 'refused: JSON with half a surrogate pair'],
  ['{"\\ud83d":[1]}', 'refused: JSON with half a surrogate pair'],
  ['', 'refused: text that is not valid JSON'],
  ['{"a": 1,}', 'refused: text that is not valid JSON'],
  [' [1.0]\n', ' [1.0]\n'],
])('orch’s own JSON %j is kept character by character or refused: %j', (text, expected) => {
  expect(judged(`t${text}`, { kind: 'json text' })).toBe(expected)
})

it('hashes rows alike in any order, and differently for any other rows', () => {
  const hashOf = (...rows: readonly (readonly (string | null)[])[]) => {
    const hash = new ContentHash()
    for (const row of rows) hash.add(row)
    return hash.digest()
  }
  expect(hashOf(['a', null], ['b', 'c'])).toBe(hashOf(['b', 'c'], ['a', null]))
  const others = [
    hashOf(),
    hashOf(['a', null]),
    hashOf(['a', null], ['b', 'c'], ['b', 'c']),
    hashOf(['a', ''], ['b', 'c']),
    hashOf(['a', '-'], ['b', 'c']),
    hashOf(['a', null], ['bc', '']),
    hashOf(['a,-', 'b'], ['c', null]),
  ]
  expect(new Set([...others, hashOf(['a', null], ['b', 'c'])]).size).toBe(others.length + 1)
  expect(hashOf(['a'])).toMatch(/^[0-9a-f]{64}$/)
})
