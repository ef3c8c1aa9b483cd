import { describe, expect, it } from 'vitest'
import { drainOnSignals } from '../../../src/cli/commands/jobs/run-signals.ts'
import { ProcessSignals } from '../../../src/runtime/signals.ts'

function aRun() {
  const said: string[] = []
  const signals = new ProcessSignals(() => void said.push('exit'))
  const run = { drain: () => void said.push('drain'), stop: () => void said.push('stop') }
  return { said, signals, run }
}

describe('stop signals of a run', () => {
  it('drain first, stop second, and end the process with the third', () => {
    const { said, signals, run } = aRun()
    drainOnSignals(signals, run)
    for (const expected of [['drain'], ['drain', 'stop'], ['drain', 'stop', 'exit']]) {
      signals.receive('SIGINT')
      expect(said).toEqual(expected)
    }
  })

  it('count those that came before the run', () => {
    const { said, signals, run } = aRun()
    signals.receive('SIGHUP')
    drainOnSignals(signals, run)
    signals.receive('SIGTERM')
    expect(said).toEqual(['drain', 'stop'])
  })
})
