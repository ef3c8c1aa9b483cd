/**
 * The plan as a graph: pure functions over keys and dependencies. Every function is linear or nearly so
 * and free of recursion, because a plan may hold ten thousand jobs in one chain. Dependencies that name no
 * node are ignored here; `planning/validate-plan.ts` reports them.
 */

export interface GraphNode {
  readonly key: string
  readonly dependsOn: readonly string[]
}

/** A path that returns to its start: `['a', 'b', 'a']` reads "a waits for b, which waits for a". */
export type Cycle = readonly string[]

interface Edges {
  readonly dependencies: ReadonlyMap<string, readonly string[]>
  readonly dependants: ReadonlyMap<string, readonly string[]>
}

/** Known, distinct dependencies without self edges, in both directions. */
function readEdges(nodes: readonly GraphNode[]): Edges {
  const dependencies = new Map<string, string[]>(nodes.map(({ key }) => [key, []]))
  const dependants = new Map<string, string[]>(nodes.map(({ key }) => [key, []]))
  for (const { key, dependsOn } of nodes) {
    for (const dependency of new Set(dependsOn)) {
      const back = dependants.get(dependency)
      if (back === undefined || dependency === key) continue
      back.push(key)
      dependencies.get(key)?.push(dependency)
    }
  }
  return { dependencies, dependants }
}

/** Kahn's sort in rounds: each wave depends only on earlier ones. What stands in or behind a cycle is left over. */
function sortInWaves(nodes: readonly GraphNode[], edges: Edges): { waves: string[][]; left: Map<string, number> } {
  const left = new Map<string, number>()
  for (const [key, list] of edges.dependencies) left.set(key, list.length)
  const result: string[][] = []
  let wave = [...new Set(nodes.map(({ key }) => key))].filter((key) => left.get(key) === 0)
  while (wave.length > 0) {
    result.push(wave)
    const next: string[] = []
    for (const key of wave) {
      left.delete(key)
      for (const dependant of edges.dependants.get(key) ?? []) {
        const open = (left.get(dependant) ?? 0) - 1
        left.set(dependant, open)
        if (open === 0) next.push(dependant)
      }
    }
    wave = next
  }
  return { waves: result, left }
}

/** Jobs by the earliest round in which they may run. Leaves out jobs in a cycle and everything behind one. */
export function waves(nodes: readonly GraphNode[]): readonly (readonly string[])[] {
  return sortInWaves(nodes, readEdges(nodes)).waves
}

/** Keys in an order in which every dependency comes first; incomplete where there are cycles. */
export function topologicalOrder(nodes: readonly GraphNode[]): readonly string[] {
  return waves(nodes).flat()
}

/** The size of the widest wave: how many workers the plan can keep busy if all jobs took the same time. */
export function width(nodes: readonly GraphNode[]): number {
  return waves(nodes).reduce((widest, wave) => Math.max(widest, wave.length), 0)
}

/**
 * Cycles that share no node, each with its path. Empty exactly when the graph has no cycle. Self edges
 * are not cycles here; the validator names them on their own.
 */
export function findCycles(nodes: readonly GraphNode[]): readonly Cycle[] {
  const edges = readEdges(nodes)
  const { left } = sortInWaves(nodes, edges)
  const cycles: Cycle[] = []
  while (left.size > 0) {
    const cycle = walkToCycle(edges, left)
    cycles.push(cycle)
    remove(cycle, edges, left)
  }
  return cycles
}

/** Every node left over has a dependency that is left over too, so following them must close a circle. */
function walkToCycle(edges: Edges, left: ReadonlyMap<string, number>): Cycle {
  const [start = ''] = left.keys()
  const path: string[] = []
  const position = new Map<string, number>()
  let key = start
  while (!position.has(key)) {
    position.set(key, path.length)
    path.push(key)
    key = edges.dependencies.get(key)?.find((dependency) => left.has(dependency)) ?? start
  }
  return [...path.slice(position.get(key)), key]
}

/** Takes a cycle out and lets everything go that waited only for it. */
function remove(cycle: Cycle, edges: Edges, left: Map<string, number>): void {
  const gone = [...new Set(cycle)]
  for (const key of gone) left.delete(key)
  for (let key = gone.pop(); key !== undefined; key = gone.pop()) {
    for (const dependant of edges.dependants.get(key) ?? []) {
      const open = left.get(dependant)
      if (open === undefined) continue
      if (open > 1) left.set(dependant, open - 1)
      else {
        left.delete(dependant)
        gone.push(dependant)
      }
    }
  }
}

/** Per job: jobs on the longest chain from it to the end of the plan, itself included. Needs an acyclic graph. */
export function pathLengths(nodes: readonly GraphNode[]): ReadonlyMap<string, number> {
  const edges = readEdges(nodes)
  const lengths = new Map<string, number>()
  for (const key of sortInWaves(nodes, edges).waves.flat().toReversed()) {
    const behind = (edges.dependants.get(key) ?? []).map((dependant) => lengths.get(dependant) ?? 0)
    lengths.set(key, 1 + behind.reduce((longest, length) => Math.max(longest, length), 0))
  }
  return lengths
}

/** Per job: the highest priority among it and everything that depends on it, however far. Needs an acyclic graph. */
export function effectivePriorities(
  nodes: readonly (GraphNode & { readonly priority: number })[],
): ReadonlyMap<string, number> {
  const edges = readEdges(nodes)
  const own = new Map(nodes.map(({ key, priority }) => [key, priority]))
  const inherited = new Map<string, number>()
  for (const key of sortInWaves(nodes, edges).waves.flat().toReversed()) {
    const behind = (edges.dependants.get(key) ?? []).map((dependant) => inherited.get(dependant) ?? 0)
    inherited.set(
      key,
      behind.reduce((highest, priority) => Math.max(highest, priority), own.get(key) ?? 0),
    )
  }
  return inherited
}
