import { describe, expect, it } from 'vitest'
import { ProcessSignals } from '../../src/runtime/signals.ts'

function signalsOfAProcess() {
  const said: string[] = []
  const signals = new ProcessSignals((graceMs) => void said.push(`exit in ${graceMs} ms`))
  return { signals, said }
}

describe('the stop signals of a process', () => {
  it('reach whoever listens, and end the process with the third; the fourth does not wait', () => {
    const { signals, said } = signalsOfAProcess()
    signals.listen((signal) => void said.push(signal))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGINT'] as const) signals.receive(signal)
    expect(said).toEqual(['SIGINT', 'SIGTERM', 'exit in 300 ms', 'exit in 0 ms'])
  })

  it('are kept for a listener that comes later', () => {
    const { signals, said } = signalsOfAProcess()
    signals.receive('SIGTERM')
    signals.listen((signal) => void said.push(signal))
    expect(said).toEqual(['SIGTERM'])
  })

  it('end the process when nobody listens any more', () => {
    const { signals, said } = signalsOfAProcess()
    signals.listen((signal) => void said.push(signal))()
    for (let count = 0; count < 3; count++) signals.receive('SIGHUP')
    expect(said).toEqual(['exit in 300 ms'])
  })
})
