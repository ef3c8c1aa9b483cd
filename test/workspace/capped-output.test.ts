import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { CappedOutput } from '../../src/workspace/capped-output.ts'

it('keeps the first and the last bytes however they arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 })), fc.integer({ min: 2, max: 60 }), (chunks, limit) => {
      const bytes = Buffer.from(chunks.join(''), 'latin1')
      const output = new CappedOutput(limit)
      let at = 0
      for (const chunk of chunks) output.add(bytes.subarray(at, (at += chunk.length)))
      const half = Math.ceil(limit / 2)
      const omitted = Math.max(0, bytes.length - limit)
      expect(output.omittedBytes).toBe(omitted)
      const expected =
        omitted === 0
          ? bytes.toString('utf8')
          : `${bytes.subarray(0, half).toString('utf8')}\n[... ${omitted} bytes left out ...]\n` +
            bytes.subarray(bytes.length - (limit - half)).toString('utf8')
      expect(output.text()).toBe(expected)
    }),
  )
})
