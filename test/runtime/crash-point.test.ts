import { describe, expect, it } from 'vitest'
import { crashPointsFrom } from '../../src/runtime/crash-point.ts'

describe('crash points', () => {
  it('are not there unless a test asks for one', () => {
    expect(crashPointsFrom(undefined)).toBeUndefined()
    expect(crashPointsFrom('')).toBeUndefined()
  })

  it('kill at the given passage of the named one, and only there', () => {
    let deaths = 0
    const points = crashPointsFrom('after-spool:2', () => (deaths += 1))
    points?.pass('after-claim')
    points?.pass('after-spool')
    expect(deaths).toBe(0)
    points?.pass('after-spool')
    points?.pass('after-spool')
    expect(deaths).toBe(1)
  })

  it.each(['after-spol', 'after-spool:0', 'after-spool:x', ':1'])('refuse %s', (text) => {
    expect(() => crashPointsFrom(text)).toThrow(expect.objectContaining({ code: 'ORCH_CONFIG_INVALID' }))
  })
})
