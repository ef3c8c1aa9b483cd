import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap } from '../../src/domain/heap.ts'

it('gives back its items in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const heap = new Heap<number>((left, right) => left - right)
      for (const item of items) heap.push(item)
      expect(heap.size).toBe(items.length)
      expect(items.map(() => heap.pop())).toEqual(items.toSorted((left, right) => left - right))
      expect(heap.pop()).toBeUndefined()
    }),
  )
})
