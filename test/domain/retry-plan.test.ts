import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDead, mayMove, type JobState } from '../../src/domain/job-state.ts'
import { planRetry, type RetryChange, type RetryNode } from '../../src/domain/retry-plan.ts'

function node(
  id: string,
  state: JobState,
  dependsOn: readonly string[] = [],
  skippedBecause: string | null = null,
): RetryNode {
  return { id, state, dependsOn, skippedBecause }
}

describe('planning a retry', () => {
  it('brings the job back and blocks again what was skipped behind it', () => {
    const nodes = [
      node('a', 'completed'),
      node('b', 'failed', ['a']),
      node('c', 'skipped', ['b'], 'b'),
      node('d', 'skipped', ['c'], 'b'),
    ]
    expect(planRetry(nodes, ['b'])).toEqual([
      { id: 'b', to: 'ready', blockedBy: 0, newTry: true },
      { id: 'c', to: 'blocked', blockedBy: 1, newTry: false },
      { id: 'd', to: 'blocked', blockedBy: 1, newTry: false },
    ])
  })

  it('brings dead ancestors back with it, and other branches that only they had stopped', () => {
    const nodes = [
      node('root', 'failed'),
      node('x', 'skipped', ['root'], 'root'),
      node('other', 'skipped', ['root'], 'root'),
    ]
    expect(planRetry(nodes, ['x']).map((change) => `${change.id} ${change.to}`)).toEqual([
      'root ready',
      'x blocked',
      'other blocked',
    ])
  })

  it('keeps skipped what another dead job still stops, and names that one', () => {
    const nodes = [
      node('a', 'failed'),
      node('b', 'cancelled'),
      node('both', 'skipped', ['a', 'b'], 'a'),
      node('behind', 'skipped', ['both'], 'a'),
    ]
    expect(planRetry(nodes, ['a'])).toEqual([
      { id: 'a', to: 'ready', blockedBy: 0, newTry: true },
      { id: 'both', to: 'skipped', because: 'b' },
      { id: 'behind', to: 'skipped', because: 'b' },
    ])
  })

  it('makes what is ready behind a rehearsed job wait for it again', () => {
    const nodes = [node('a', 'completed'), node('b', 'ready', ['a']), node('c', 'blocked', ['b'])]
    expect(planRetry(nodes, [], ['a'])).toEqual([
      { id: 'a', to: 'ready', blockedBy: 0, newTry: true },
      { id: 'b', to: 'blocked', blockedBy: 1, newTry: false },
    ])
  })

  it('leaves no dead ancestor behind a revived job, counts exactly, and makes only legal moves', () => {
    fc.assert(
      fc.property(arbitraryProject(), fc.nat(), ({ nodes }, pick) => {
        const dead = nodes.filter(({ state }) => isDead(state))
        const target = dead[pick % Math.max(1, dead.length)]
        if (target === undefined) return
        const changes = new Map(planRetry(nodes, [target.id]).map((change) => [change.id, change]))
        const stateAfter = (id: string) => changes.get(id)?.to ?? nodes.find((one) => one.id === id)?.state ?? 'ready'
        expect(isDead(stateAfter(target.id))).toBe(false)
        const faults = nodes.flatMap(({ id, state, dependsOn }) => {
          const parents = dependsOn.map(stateAfter)
          return faultsOf({ state, after: stateAfter(id), change: changes.get(id), parents })
        })
        expect(faults).toEqual([])
      }),
      { numRuns: 300, seed: 7 },
    )
  })
})

interface Judged {
  readonly state: JobState
  readonly after: JobState
  readonly change: RetryChange | undefined
  readonly parents: readonly JobState[]
}

function faultsOf({ state, after, change, parents }: Judged): string[] {
  const dead = parents.some(isDead)
  const open = parents.filter((parent) => parent !== 'completed').length
  const faults: string[] = []
  if (after === 'skipped' && !dead) faults.push('skipped without a cause')
  if (after === 'blocked' && dead) faults.push('blocked behind a dead job')
  if (change === undefined || change.to === 'skipped') return faults
  if (!mayMove(state, change.to)) faults.push(`${state} moved to ${change.to}`)
  if (dead) faults.push('revived behind a dead job')
  if (change.blockedBy !== open) faults.push('miscounted')
  if ((change.to === 'ready') !== (open === 0)) faults.push('in the wrong state')
  return faults
}

/** Projects as the scheduler leaves them: a job behind a dead one is skipped, one behind an unfinished one blocked. */
function arbitraryProject() {
  const size = 12
  return fc
    .array(fc.record({ parents: fc.array(fc.nat(size), { maxLength: 3 }), fate: fc.nat(3) }), { maxLength: size })
    .map((specs) => {
      const nodes: RetryNode[] = []
      for (const [index, { parents, fate }] of specs.entries()) {
        const dependsOn = index === 0 ? [] : [...new Set(parents.map((parent) => `j${parent % index}`))]
        const above = dependsOn.flatMap((id) => nodes.filter((one) => one.id === id))
        const killer = above.find(({ state }) => isDead(state))
        const because = killer === undefined ? null : (killer.skippedBecause ?? killer.id)
        const free = (['completed', 'failed', 'cancelled', 'ready'] as const)[fate] ?? 'ready'
        const waits = above.some(({ state }) => state !== 'completed')
        const state: JobState = killer !== undefined ? 'skipped' : waits ? (fate === 2 ? 'cancelled' : 'blocked') : free
        nodes.push(node(`j${index}`, state, dependsOn, state === 'skipped' ? because : null))
      }
      return { nodes }
    })
}
