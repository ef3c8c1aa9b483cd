import fc from 'fast-check'
import { expect, it } from 'vitest'
import { priorities, type Priority } from '../../src/domain/job-state.ts'
import { simulateSchedule } from '../../src/domain/schedule.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { aRun, completedOutcome } from '../support/scheduling.ts'

const priorityNames = Object.keys(priorities) as Priority[]

/** A plan of up to 14 jobs; edges go from later jobs to earlier ones. */
const plan = fc
  .array(fc.record({ parents: fc.array(fc.nat(13), { maxLength: 2 }), priority: fc.constantFrom(...priorityNames) }), {
    minLength: 4,
    maxLength: 14,
  })
  .map((specs) =>
    specs.map(({ parents, priority }, index) => ({
      key: `j${String(index).padStart(2, '0')}`,
      priority,
      dependsOn:
        index === 0 ? [] : [...new Set(parents.map((parent) => `j${String(parent % index).padStart(2, '0')}`))],
    })),
  )

describeEachDatabase('promise 4, order', (open) => {
  it('starts jobs exactly as list scheduling would, and none before its dependencies completed', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (jobs) => {
        const database = await open()
        await storeRows(database, { jobs })
        const starts: string[] = []
        const ended = new Set<string>()
        const execute = async ({ job }: { job: { key: string } }) => {
          starts.push(job.key)
          const early = jobs.find(({ key }) => key === job.key)?.dependsOn.filter((key) => !ended.has(key))
          expect(early).toEqual([])
          ended.add(job.key)
          return completedOutcome
        }
        await aRun(database, { deps: { execute }, options: { concurrency: 1 } }).run.run()
        const timed = jobs.map((job) => ({ ...job, priority: priorities[job.priority], durationMs: 1 }))
        expect(starts).toEqual(simulateSchedule(timed, 1).order)
      }),
      { numRuns: 4, seed: 11 },
    )
  })
})
