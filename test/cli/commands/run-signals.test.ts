import { describe, expect, it } from 'vitest'
import { drainOnSignals } from '../../../src/cli/commands/jobs/run-signals.ts'
import type { Signals, StopSignal } from '../../../src/runtime/signals.ts'

function fakeSignals() {
  const listeners = new Set<(signal: StopSignal) => void>()
  const signals: Signals = {
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return { signals, listeners, send: () => listeners.forEach((listener) => listener('SIGINT')) }
}

describe('stop signals of a run', () => {
  it('drain first, stop second, and leave the third to the system, which ends the process at once', () => {
    const { signals, listeners, send } = fakeSignals()
    const said: string[] = []
    drainOnSignals(signals, { drain: () => void said.push('drain'), stop: () => void said.push('stop') })
    send()
    expect(said).toEqual(['drain'])
    send()
    expect(said).toEqual(['drain', 'stop'])
    expect(listeners.size).toBe(0)
  })
})
