import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { attemptToken, isEarlierAttempt } from '../../src/execution/command-watch.ts'
import { killAttempts } from '../../src/workspace/process-tree.ts'

describe('the mark of an attempt', () => {
  it.each([
    ['job', 1, true],
    ['job', 2, true],
    ['job', 3, false],
    ['job', 11, false],
    ['another:job', 1, false],
    ['another', 1, false],
  ])('of job %s, attempt %i, is an earlier one than attempt 3 of "job": %s', (jobId, attempt, earlier) => {
    expect(isEarlierAttempt(attemptToken(jobId, attempt), { jobId: 'job', attempt: 3 })).toBe(earlier)
  })

  it.runIf(process.platform === 'linux')(
    'finds what earlier attempts left running, and nothing of the others',
    async () => {
      const jobId = `job-${process.pid}`
      const children = [1, 2, 3].map((attempt) =>
        spawn('sleep', ['60'], {
          env: { PATH: process.env['PATH'], ORCH_ATTEMPT: attemptToken(jobId, attempt) },
          stdio: 'ignore',
        }),
      )
      const [first, second, third] = children.map((child) => once(child, 'exit'))
      try {
        await Promise.all(children.map((child) => once(child, 'spawn')))
        expect(await killAttempts((token) => isEarlierAttempt(token, { jobId, attempt: 3 }))).toBe(2)
        await Promise.all([first, second])
        expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL', null])
      } finally {
        for (const child of children) child.kill('SIGKILL')
        await third
      }
    },
  )
})
