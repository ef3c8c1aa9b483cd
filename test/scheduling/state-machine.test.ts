import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/execution/attempt.ts'
import type { Database } from '../../src/database/connection.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { aRun, completedOutcome, failedOutcome } from '../support/scheduling.ts'

const fates = ['completes', 'completes', 'completes', 'fails', 'fails once', 'waits once'] as const
type Fate = (typeof fates)[number]

interface ModelJob {
  readonly key: string
  readonly dependsOn: readonly string[]
  readonly fate: Fate
}

const project = fc
  .array(fc.record({ parents: fc.array(fc.nat(20), { maxLength: 3 }), fate: fc.constantFrom(...fates) }), {
    minLength: 3,
    maxLength: 12,
  })
  .map((specs) =>
    specs.map(({ parents, fate }, index): ModelJob => {
      const dependsOn = index === 0 ? [] : [...new Set(parents.map((parent) => `j${parent % index}`))]
      return { key: `j${index}`, dependsOn, fate }
    }),
  )

/** The reference: a job fails by its fate and is skipped when anything before it did not complete. */
function expectedStates(jobs: readonly ModelJob[]): Record<string, string> {
  const states: Record<string, string> = {}
  for (const { key, dependsOn, fate } of jobs) {
    const dead = dependsOn.some((parent) => states[parent] !== 'completed')
    states[key] = dead ? 'skipped' : fate === 'fails' ? 'failed' : 'completed'
  }
  return states
}

/** Works as the fates say and notes every start that came too early. */
function worker(jobs: readonly ModelJob[]) {
  const completed = new Set<string>()
  const early: string[] = []
  const tries = new Map<string, number>()
  const execute = async ({ job }: { readonly job: { readonly key: string } }): Promise<Outcome> => {
    const { fate, dependsOn } = jobs.find(({ key }) => key === job.key) ?? { fate: 'completes', dependsOn: [] }
    early.push(...dependsOn.filter((key) => !completed.has(key)).map((key) => `${job.key} before ${key}`))
    const attempt = (tries.get(job.key) ?? 0) + 1
    tries.set(job.key, attempt)
    if (fate === 'fails') return failedOutcome()
    if (fate === 'fails once' && attempt === 1) return failedOutcome(true)
    if (fate === 'waits once' && attempt === 1) return { kind: 'wait', waitsFor: 'rate', untilMs: 0, reason: 'busy' }
    completed.add(job.key)
    return completedOutcome
  }
  return { execute, early, tries }
}

async function readEnd({ db }: Database) {
  const rows = await db.selectFrom('jobs').selectAll().execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  const states = Object.fromEntries(rows.map((row) => [row.key, row.state]))
  const causes = rows.filter((row) => row.state === 'skipped').map((row) => byId.get(row.skipped_because ?? '')?.state)
  const leftovers = rows.filter((row) => row.lease_owner !== null || row.lease_expires_at !== null)
  const open = await db.selectFrom('attempts').select('job_id').where('ended_at', 'is', null).execute()
  const locks = await db.selectFrom('job_locks').select('name').execute()
  return { states, causes, left: leftovers.length + open.length + locks.length }
}

describeEachDatabase('any project under any fate', (open) => {
  it('ends as the reference says, in order, and leaves no lease, lock or open attempt', async () => {
    await fc.assert(
      fc.asyncProperty(project, async (jobs) => {
        const database = await open()
        await storeRows(database, { jobs: jobs.map(({ fate: _fate, ...job }) => ({ ...job, locks: ['one'] })) })
        const { execute, early, tries } = worker(jobs)
        const report = await aRun(database, { deps: { execute } }).run.run()
        const end = await readEnd(database)
        expect(report.end).toBe('idle')
        expect(early).toEqual([])
        expect(end.states).toEqual(expectedStates(jobs))
        expect(end.causes.filter((state) => state !== 'failed')).toEqual([])
        expect(end.left).toBe(0)
        expect(jobs.filter(({ key }) => (tries.get(key) ?? 0) > 2)).toEqual([])
      }),
      { numRuns: 6, seed: 21 },
    )
  })
})
