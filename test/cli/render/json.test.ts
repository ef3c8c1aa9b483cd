import { expect, it } from 'vitest'
import { iso, money } from '../../../src/cli/render/json.ts'

it('prints times as ISO 8601 in UTC and keeps null', () => {
  expect([iso(0), iso(1_700_000_000_123), iso(null)]).toEqual([
    '1970-01-01T00:00:00.000Z',
    '2023-11-14T22:13:20.123Z',
    null,
  ])
})

it('prints money in micro-dollars, unknown as null and never as zero', () => {
  expect([money(1234), money(0), money(null)]).toEqual([{ microUsd: 1234 }, { microUsd: 0 }, null])
})
