import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { isAlive, ownIdentity, processStat } from '../../src/workspace/process-identity.ts'

describe('isAlive', () => {
  it('knows that this process lives', () => {
    expect(isAlive(ownIdentity())).toBe(true)
  })

  it('knows that an ended process is dead', async () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await once(child, 'exit')
    expect(isAlive({ ...ownIdentity(), pid: child.pid ?? 0 })).toBe(false)
  })

  it.runIf(process.platform === 'linux')('is not fooled by a reused process id', () => {
    expect(isAlive({ ...ownIdentity(), startTime: '1' })).toBe(false)
  })

  it('does not judge another pid namespace, nor another boot: a clone may have the same name', () => {
    expect(isAlive({ ...ownIdentity(), pidNamespace: 'pid:[1]' })).toBe(null)
    expect(isAlive({ ...ownIdentity(), bootId: 'another' })).toBe(null)
  })

  it.runIf(ownIdentity().bootId !== '')('knows its own boot by whatever name the machine goes now', () => {
    expect(isAlive({ ...ownIdentity(), host: 'renamed' })).toBe(true)
  })
})

describe.runIf(process.platform === 'linux')('processStat', () => {
  it('reads a process whose name holds spaces and parentheses', async () => {
    const child = spawn(
      process.execPath,
      ['-e', 'process.title="a) R 1 (b"; setInterval(() => {}, 1000); console.log(1)'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    await once(child.stdout, 'data')
    expect(processStat(child.pid ?? 0)?.parent).toBe(process.pid)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
})
