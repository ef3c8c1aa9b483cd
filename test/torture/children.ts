import { readdirSync } from 'node:fs'
import { processStat } from '../../src/workspace/process-identity.ts'

/** Living child processes of this process; none where there is no /proc. */
export function childProcesses(): number[] {
  return processIds().filter((pid) => {
    const stat = processStat(pid)
    return stat?.parent === process.pid && stat.state !== 'Z' && stat.state !== 'X'
  })
}

/** Kills the child processes of this process but those named; returns how many there were. */
export function killChildren(but: readonly number[]): number {
  const left = childProcesses().filter((pid) => !but.includes(pid))
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself in the meantime.
    }
  }
  return left.length
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}
