import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, decideEnd } from '../../src/scheduling/outcome-transition.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { completedOutcome, failedOutcome } from '../support/scheduling.ts'
import type { Outcome } from '../../src/execution/attempt.ts'

const context = { try: 1, maxTries: 3, random: seededRandom(1), stopped: false }

describe('what an outcome makes of a job', () => {
  it.each<[string, Outcome, object, object]>([
    ['completed', completedOutcome, {}, { state: 'completed', nextTry: false }],
    ['failed, tries left', failedOutcome(true), {}, { state: 'ready', nextTry: true }],
    ['failed, none left', failedOutcome(true), { try: 3 }, { state: 'failed', nextTry: false }],
    ['failed, not retryable', failedOutcome(false), {}, { state: 'failed', nextTry: false }],
    [
      'wait',
      { kind: 'wait', waitsFor: 'budget', untilMs: 5, reason: 'spent' },
      {},
      { state: 'ready', nextTry: false, waitsFor: 'budget', again: { untilMs: 5 }, interruption: false },
    ],
    [
      'released by infrastructure',
      { kind: 'released', reason: 'outage' },
      {},
      { state: 'ready', nextTry: false, interruption: true },
    ],
    [
      'released by a stop',
      { kind: 'released', reason: 'stop' },
      { stopped: true },
      { state: 'ready', interruption: false },
    ],
    ['cancelled', { kind: 'cancelled' }, {}, { state: 'cancelled', nextTry: false }],
  ])('%s', (_name, outcome, overrides, expected) => {
    expect(decideEnd(outcome, { ...context, ...overrides })).toMatchObject(expected)
  })

  it('is nothing for a lost attempt', () => {
    expect(decideEnd({ kind: 'lost' }, context)).toBeNull()
  })
})

describe('backing off', () => {
  it('is uniform below a ceiling that doubles with every try, up to a limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (tries, value) => {
          const policy = { baseMs: 100, longestMs: 10_000 }
          const ceiling = Math.min(10_000, 100 * 2 ** (tries - 1))
          const delay = backoffMs(tries, { next: () => value }, policy)
          expect(Math.abs(delay - value * ceiling)).toBeLessThanOrEqual(0.5)
        },
      ),
      { numRuns: 100, seed: 3 },
    )
  })
})
