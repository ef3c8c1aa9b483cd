import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { simulateSchedule, type ScheduledJob } from '../../src/domain/schedule.ts'

const job = (key: string, durationMs: number, dependsOn: string[] = [], priority = 1): ScheduledJob => ({
  key,
  dependsOn,
  priority,
  durationMs,
})

const anyPlan = fc
  .array(
    fc.record({
      durationMs: fc.integer({ min: 1, max: 100 }),
      priority: fc.integer({ min: 0, max: 3 }),
      back: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((rows) =>
    rows.map((row, index) =>
      job(
        `n${index}`,
        row.durationMs,
        [...new Set(row.back.map((distance) => index - distance).filter((at) => at >= 0))].map((at) => `n${at}`),
        row.priority,
      ),
    ),
  )

describe('simulateSchedule', () => {
  it('starts every job once, after its dependencies, and never more than the slots allow', () => {
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 1, max: 6 }), (jobs, slots) => {
        const { starts, order, makespanMs } = simulateSchedule(jobs, slots)
        expect(new Set(order).size).toBe(jobs.length)
        const end = (key: string) => (starts.get(key) ?? 0) + (jobs.find((one) => one.key === key)?.durationMs ?? 0)
        for (const { key, dependsOn } of jobs) {
          for (const other of dependsOn) expect(starts.get(key)).toBeGreaterThanOrEqual(end(other))
          const at = starts.get(key) ?? 0
          expect(
            jobs.filter((one) => (starts.get(one.key) ?? 0) <= at && end(one.key) > at).length,
          ).toBeLessThanOrEqual(slots)
        }
        expect(makespanMs).toBe(Math.max(...jobs.map(({ key }) => end(key))))
      }),
    )
  })

  it('stays within the bound of list scheduling: work / slots + critical path', () => {
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 1, max: 6 }), (jobs, slots) => {
        const work = jobs.reduce((sum, { durationMs }) => sum + durationMs, 0)
        const critical = simulateSchedule(jobs, jobs.length).makespanMs
        const { makespanMs } = simulateSchedule(jobs, slots)
        expect(makespanMs).toBeGreaterThanOrEqual(Math.max(critical, Math.ceil(work / slots)))
        expect(makespanMs).toBeLessThanOrEqual(work / slots + critical)
      }),
    )
  })

  it('orders startable jobs by inherited priority, then remaining path, then time since ready, then key', () => {
    const jobs = [
      job('slow-head', 10, [], 1),
      job('tail', 10, ['slow-head'], 1),
      job('b-short', 10, [], 1),
      job('a-short', 10, [], 1),
      job('gate', 10, [], 0),
      job('urgent', 10, ['gate'], 3),
    ]
    expect(simulateSchedule(jobs, 1).order).toEqual(['gate', 'urgent', 'slow-head', 'a-short', 'b-short', 'tail'])
  })

  it('takes ten layers of a hundred at twenty slots in exactly fifty rounds', () => {
    const jobs = Array.from({ length: 1000 }, (_, index) => {
      const layer = Math.floor(index / 100)
      return job(`l${layer}-${index}`, 50, layer === 0 ? [] : [`l${layer - 1}-${index - 100}`])
    })
    expect(simulateSchedule(jobs, 20).makespanMs).toBe(2500)
  })
})
