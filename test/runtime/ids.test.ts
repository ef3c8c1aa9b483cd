import { expect, it } from 'vitest'
import { systemIds } from '../../src/runtime/ids.ts'

it('makes version 7 UUIDs that sort in the order they were made, also within a millisecond', () => {
  const ids = Array.from({ length: 5000 }, () => systemIds.next())
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids.slice(0, 50)) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
  const madeAt = Number.parseInt((ids[0] ?? '').replaceAll('-', '').slice(0, 12), 16)
  expect(Math.abs(Date.now() - madeAt)).toBeLessThan(60_000)
})
