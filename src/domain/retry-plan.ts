import { isDead, type JobState } from './job-state.ts'
import { topologicalOrder } from './plan-graph.ts'

export interface RetryNode {
  readonly id: string
  readonly state: JobState
  readonly skippedBecause: string | null
  readonly dependsOn: readonly string[]
}

export type RetryChange =
  | {
      readonly id: string
      readonly to: 'ready' | 'blocked'
      readonly blockedBy: number
      readonly newTry: boolean
    }
  /** Stays skipped, because of another dead job. */
  | { readonly id: string; readonly to: 'skipped'; readonly because: string }

/**
 * What `jobs retry` changes (DESIGN section 3): the targets and every dead ancestor come back; then every
 * skipped descendant without a dead ancestor becomes blocked, and one with another dead cause stays
 * skipped and names that one. `putBack` are completed (rehearsed) jobs to run again; what is ready or blocked
 * behind them waits for them again.
 */
export function planRetry(nodes: readonly RetryNode[], targets: readonly string[], putBack: readonly string[] = []) {
  const graph = new Map(nodes.map((node) => [node.id, node]))
  const revived = new Set(putBack)
  for (const id of targets) reviveWithAncestors(graph, id, revived)
  const because = new Map<string, string>()
  const order = dependenciesFirst(graph)
  for (const node of order) {
    if (node.state !== 'skipped' || revived.has(node.id) || !hasRevivedAncestor(node, graph, revived)) continue
    const cause = deadCause(node, graph, { revived, because })
    if (cause === null) revived.add(node.id)
    else because.set(node.id, cause)
  }
  return order.flatMap((node) => changeOf(node, graph, { revived, because }))
}

interface Verdicts {
  readonly revived: ReadonlySet<string>
  readonly because: ReadonlyMap<string, string>
}

type Graph = ReadonlyMap<string, RetryNode>

function reviveWithAncestors(graph: Graph, start: string, revived: Set<string>): void {
  const pending = [start]
  const seen = new Set<string>()
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = graph.get(id)
    if (node === undefined || seen.has(id)) continue
    seen.add(id)
    if (isDead(node.state)) revived.add(id)
    pending.push(...node.dependsOn)
  }
}

function dependenciesFirst(graph: Graph): readonly RetryNode[] {
  const nodes = [...graph.values()].map(({ id, dependsOn }) => ({ key: id, dependsOn }))
  return topologicalOrder(nodes).flatMap((id) => graph.get(id) ?? [])
}

function hasRevivedAncestor(node: RetryNode, graph: Graph, revived: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  const pending = [...node.dependsOn]
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (revived.has(id)) return true
    if (seen.has(id)) continue
    seen.add(id)
    pending.push(...(graph.get(id)?.dependsOn ?? []))
  }
  return false
}

/** The failed or cancelled job that keeps this one skipped; dependencies were judged before. */
function deadCause(node: RetryNode, graph: Graph, verdicts: Verdicts): string | null {
  for (const id of node.dependsOn) {
    const dependency = graph.get(id)
    if (dependency === undefined || verdicts.revived.has(id) || !isDead(dependency.state)) continue
    if (dependency.state !== 'skipped') return id
    return verdicts.because.get(id) ?? dependency.skippedBecause ?? id
  }
  return null
}

function changeOf(node: RetryNode, graph: Graph, verdicts: Verdicts): RetryChange[] {
  const because = verdicts.because.get(node.id)
  if (because !== undefined) return because === node.skippedBecause ? [] : [{ id: node.id, to: 'skipped', because }]
  const waits = node.state === 'ready' || node.state === 'blocked'
  if (!verdicts.revived.has(node.id) && !waits) return []
  const open = node.dependsOn.filter((id) => graph.get(id)?.state !== 'completed' || verdicts.revived.has(id))
  if (waits && !open.some((id) => verdicts.revived.has(id))) return []
  const to = open.length > 0 ? 'blocked' : 'ready'
  return [{ id: node.id, to, blockedBy: open.length, newTry: !waits && node.state !== 'skipped' }]
}
