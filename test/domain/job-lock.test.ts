import { describe, expect, it } from 'vitest'
import { conflictingLock, jobLocks, locksByName } from '../../src/domain/job-lock.ts'

const held = (jobId: string, names: readonly string[], paths: readonly string[]) =>
  locksByName(jobLocks(names, paths).map((lock) => ({ ...lock, jobId })))

describe('job locks', () => {
  it.each([
    ['/w/src', '/w/src', true],
    ['/w/src', '/w/src/api', true],
    ['/w/src/api', '/w/src', true],
    ['/w', '/w/src/api/x', true],
    ['/', '/w', true],
    ['/w/src', '/w/docs', false],
    ['/w/src/a', '/w/src/b', false],
    ['/w/src', '/w/src2', false],
  ])('%s against %s: conflict %s', (one, other, conflict) => {
    expect(conflictingLock(jobLocks([], [other]), held('j', [], [one])) !== null).toBe(conflict)
  })

  it('gives a named resource to one holder, and never mixes names with paths', () => {
    expect(conflictingLock(jobLocks(['port'], []), held('j', ['port'], []))).toMatchObject({ jobId: 'j' })
    expect(conflictingLock(jobLocks(['/w'], []), held('j', [], ['/w']))).toBeNull()
  })
})
