import { expect, test } from 'vitest'
import { parseSince } from '../../src/domain/since.ts'

const now = Date.UTC(2026, 10, 24, 12)

test.each([
  ['90s', now - 90_000],
  ['8h', now - 8 * 3_600_000],
  ['1.5d', now - 36 * 3_600_000],
  ['2w', now - 14 * 86_400_000],
  ['2026-11-01', Date.UTC(2026, 10, 1)],
  ['2026-11-01T06:30:00Z', Date.UTC(2026, 10, 1, 6, 30)],
  ['2026-11-01T06:30:00+02:00', Date.UTC(2026, 10, 1, 4, 30)],
])('%s begins at %d', (text, at) => {
  expect(parseSince(text, now)).toBe(at)
})

test.each(['', 'yesterday', '7', '7 days', '-3d', '2026-02-31', '2026-13-01', '01.11.2026'])(
  '%j is refused',
  (text) => {
    expect(parseSince(text, now)).toBeNull()
  },
)
