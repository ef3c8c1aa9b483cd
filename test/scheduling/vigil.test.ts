import { describe, expect, it } from 'vitest'
import { Vigil } from '../../src/scheduling/vigil.ts'

const leaseMs = 20_000

/** A machine whose clocks can be moved one by one. */
function machine() {
  const time = { monotonicMs: 0, wallMs: 1e12, databaseMs: 1e12 }
  const vigil = new Vigil({ now: () => time.wallMs, monotonic: () => time.monotonicMs }, leaseMs)
  const pass = (after: Partial<typeof time>) => {
    time.monotonicMs += after.monotonicMs ?? 0
    time.wallMs += after.wallMs ?? 0
    time.databaseMs += after.databaseMs ?? 0
    const gap = vigil.watch()
    return vigil.watchDatabase(time.databaseMs) || gap
  }
  const awake = (ms: number) => pass({ monotonicMs: ms, wallMs: ms, databaseMs: ms })
  return { vigil, pass, awake }
}

describe('the judge of leases', () => {
  it('judges at once, and goes on while nothing interrupts it', () => {
    const { vigil, awake } = machine()
    for (let pass = 0; pass < 20; pass++) {
      expect(awake(2000)).toBe(false)
      expect(vigil.judgesLeases).toBe(true)
    }
  })

  it.each([
    ['a process that was frozen', { monotonicMs: 30_000, wallMs: 30_000, databaseMs: 30_000 }],
    ['a machine that slept', { wallMs: 8 * 3_600_000, databaseMs: 8 * 3_600_000 }],
    ['a database whose clock jumped', { databaseMs: 3_600_000 }],
  ])('is patient for one lease after %s', (_what, gap) => {
    const { vigil, pass, awake } = machine()
    awake(0)
    expect(pass(gap)).toBe(true)
    expect(vigil.judgesLeases).toBe(false)
    for (let waited = 0; waited < leaseMs; waited += 1000) {
      expect(vigil.judgesLeases).toBe(false)
      expect(awake(1000)).toBe(false)
    }
    expect(vigil.judgesLeases).toBe(true)
  })

  it('is patient for one lease from the end of an outage, not from its start', () => {
    const { vigil, pass, awake } = machine()
    awake(0)
    for (let second = 0; second < 60; second++) {
      vigil.interrupt()
      expect(vigil.judgesLeases).toBe(false)
    }
    pass({ monotonicMs: 100, wallMs: 100, databaseMs: 100 })
    expect(vigil.judgesLeases).toBe(false)
    for (let waited = 0; waited < leaseMs; waited += 1000) awake(1000)
    expect(vigil.judgesLeases).toBe(true)
  })

  it('does not mind a clock that was set back', () => {
    const { vigil, pass, awake } = machine()
    awake(0)
    expect(pass({ monotonicMs: 1000, wallMs: -3_600_000, databaseMs: 1000 })).toBe(false)
    expect(vigil.judgesLeases).toBe(true)
  })
})
