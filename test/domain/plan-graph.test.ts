import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  effectivePriorities,
  findCycles,
  pathLengths,
  topologicalOrder,
  waves,
  width,
  type GraphNode,
} from '../../src/domain/plan-graph.ts'

const node = (key: string, ...dependsOn: string[]): GraphNode => ({ key, dependsOn })

/** Any graph, cycles and self edges included. */
const anyGraph = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.array(fc.array(fc.integer({ min: 0, max: size - 1 }), { maxLength: 3 }), { minLength: size, maxLength: size }),
  )
  .map((rows) => rows.map((dependsOn, index): GraphNode => node(`n${index}`, ...dependsOn.map((at) => `n${at}`))))

/** A graph whose edges only point to earlier nodes, listed in any order. */
const acyclicGraph = anyGraph
  .map((nodes) =>
    nodes.map(({ key, dependsOn }) =>
      node(key, ...dependsOn.filter((other) => Number(other.slice(1)) < Number(key.slice(1)))),
    ),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }))

describe('plan graph', () => {
  it('puts every dependency in an earlier wave', () => {
    fc.assert(
      fc.property(acyclicGraph, (nodes) => {
        const round = new Map(waves(nodes).flatMap((wave, index) => wave.map((key) => [key, index] as const)))
        expect(round.size).toBe(nodes.length)
        for (const { key, dependsOn } of nodes)
          for (const other of dependsOn) expect(round.get(other)).toBeLessThan(round.get(key) ?? -1)
      }),
    )
  })

  it('finds a cycle exactly when the order is incomplete, and every cycle it names is real', () => {
    fc.assert(
      fc.property(anyGraph, (nodes) => {
        const cycles = findCycles(nodes)
        expect(cycles.length === 0).toBe(topologicalOrder(nodes).length === nodes.length)
        const edges = new Map(nodes.map(({ key, dependsOn }) => [key, dependsOn]))
        for (const cycle of cycles) {
          expect(cycle.at(0)).toBe(cycle.at(-1))
          expect(cycle.length).toBeGreaterThan(2)
          cycle.slice(1).forEach((key, index) => expect(edges.get(cycle[index] ?? '')).toContain(key))
        }
      }),
    )
  })

  it('names the path of each separate cycle', () => {
    const cycles = findCycles([
      node('a', 'b'),
      node('b', 'c'),
      node('c', 'a'),
      node('x', 'y'),
      node('y', 'x'),
      node('z', 'a'),
    ])
    expect(cycles).toEqual([
      ['a', 'b', 'c', 'a'],
      ['x', 'y', 'x'],
    ])
  })

  it('measures the longest chain to the end, the job included', () => {
    const lengths = pathLengths([node('a'), node('b', 'a'), node('c', 'b'), node('d', 'a')])
    expect(Object.fromEntries(lengths)).toEqual({ a: 3, b: 2, c: 1, d: 1 })
  })

  it('gives a job the highest priority of its dependants', () => {
    const inherited = effectivePriorities([
      { ...node('a'), priority: 0 },
      { ...node('b', 'a'), priority: 1 },
      { ...node('c', 'b'), priority: 3 },
      { ...node('d', 'a'), priority: 2 },
    ])
    expect(Object.fromEntries(inherited)).toEqual({ a: 3, b: 3, c: 3, d: 2 })
  })

  it('handles a chain of 20,000 jobs without recursion', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      node(`n${index}`, ...(index === 0 ? [] : [`n${index - 1}`])),
    )
    expect(pathLengths(chain).get('n0')).toBe(20_000)
    expect(width(chain)).toBe(1)
    expect(findCycles([...chain.slice(1), node('n0', 'n19999')])).toHaveLength(1)
  })
})
