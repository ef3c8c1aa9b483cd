import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredJob } from '../../src/database/repositories/plan-repository.ts'
import { isDead, jobStates, type JobState } from '../../src/domain/job-state.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { isSuperseded, revisePlan, type Revision } from '../../src/planning/revise-plan.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

/** A valid plan over some of the keys: edges only go to earlier ones. */
const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    present: fc.subarray(keys, { minLength: 1 }),
    edges: fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 8 }),
    title: fc.constantFrom('x', 'y'),
  })
  .map(({ present, edges, title }) => {
    const jobs = present.map((key, index) => {
      const before = new Set(
        edges.filter(([to, from]) => to === index && from < index).map(([, from]) => present[from] ?? ''),
      )
      return aJob({ key, title, dependsOn: [...before] })
    })
    return aPlan({ jobs })
  })

const anyState = fc.constantFrom<JobState>(...jobStates)

/** The rows after a revision, as the database would hold them. */
function apply(stored: readonly StoredJob[], revision: Revision): readonly StoredJob[] {
  const changed = new Map(revision.changed.map((change) => [change.id, change]))
  const kept = stored.map((job): StoredJob => ({ ...job, ...changed.get(job.id), projectId: 'p' }))
  return [...kept, ...revision.added.map((job): StoredJob => ({ ...job, projectId: 'p', error: null }))]
}

let ids = 0
const revise = (stored: readonly StoredJob[], plan: Plan) => revisePlan(stored, plan, () => `id-${(ids += 1)}`)

/** A stored project whose jobs were then moved to any states at all. */
const anyHistory = fc
  .record({ first: anyPlan, second: anyPlan, states: fc.array(anyState, { minLength: 6, maxLength: 6 }) })
  .map(({ first, second, states }) => {
    const fresh = apply([], revise([], first))
    const stored = fresh.map((job, index) => ({ ...job, state: states[index] ?? job.state }))
    return { stored, second }
  })

describe('revisePlan', () => {
  it('leaves nothing to do for the same plan applied again', () => {
    fc.assert(
      fc.property(anyHistory, ({ stored, second }) => {
        const after = apply(stored, revise(stored, second))
        expect(revise(after, second)).toEqual({
          added: [],
          changed: [],
          removedKeys: [],
          keptAsTheyWere: [],
          retasked: [],
        })
      }),
    )
  })

  it('lets nothing be ready before its dependencies, blocked without one, or skipped without a dead one', () => {
    fc.assert(
      fc.property(anyHistory, ({ stored, second }) => {
        const after = apply(stored, revise(stored, second)).filter((job) => !isSuperseded(job))
        const byKey = new Map(after.map((job) => [job.plan.key, job]))
        for (const job of after) {
          const states = job.plan.dependsOn.map((key) => byKey.get(key)?.state ?? 'ready')
          const open = states.filter((state) => state !== 'completed')
          const waits = job.state === 'ready' || job.state === 'blocked'
          expect({
            key: job.plan.key,
            ok:
              !waits ||
              (job.blockedBy === open.length &&
                (job.state === 'ready') === (open.length === 0) &&
                !states.some(isDead)),
          }).toEqual({ key: job.plan.key, ok: true })
          expect(job.state !== 'skipped' || (states.some(isDead) && job.skippedBecause !== null)).toBe(true)
        }
      }),
    )
  })

  it('never loses a job: each is in the plan or superseded, and what ended in the plan stays ended', () => {
    fc.assert(
      fc.property(anyHistory, ({ stored, second }) => {
        const wanted = new Set(second.jobs.map(({ key }) => key))
        const after = new Map(apply(stored, revise(stored, second)).map((job) => [job.plan.key, job]))
        for (const job of stored) {
          const now = after.get(job.plan.key)
          expect(now !== undefined && isSuperseded(now)).toBe(!wanted.has(job.plan.key))
          const stays = ['running', 'completed', 'failed', 'cancelled'].includes(job.state) && wanted.has(job.plan.key)
          expect(stays ? now?.state : job.state).toBe(job.state)
        }
        expect([...wanted].every((key) => after.has(key))).toBe(true)
      }),
    )
  })
})
