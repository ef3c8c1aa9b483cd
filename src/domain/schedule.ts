/**
 * List scheduling at zero overhead: what a perfect scheduler with N slots would do in the order of
 * promise 4. Estimates, forecasts and the overhead benchmark all use this one simulation.
 */
import { Heap } from './heap.ts'
import { effectivePriorities, pathLengths, type GraphNode } from './plan-graph.ts'

export interface ScheduledJob extends GraphNode {
  /** 0 low to 3 critical; dependencies inherit it. */
  readonly priority: number
  readonly durationMs: number
}

export interface Schedule {
  /** From the first start to the last end. */
  readonly makespanMs: number
  /** Keys in the order in which they start. */
  readonly order: readonly string[]
  /** Per key: milliseconds from the beginning. */
  readonly starts: ReadonlyMap<string, number>
}

/** What promise 4 orders startable jobs by. */
export interface Startable {
  readonly key: string
  readonly effectivePriority: number
  readonly pathLength: number
  readonly readyAt: number
}

/** Promise 4: priority, then longest remaining path, then time since ready; the id settles ties. */
export function compareStartable(left: Startable, right: Startable): number {
  return (
    right.effectivePriority - left.effectivePriority ||
    right.pathLength - left.pathLength ||
    left.readyAt - right.readyAt ||
    (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)
  )
}

/**
 * Simulates an acyclic plan with `concurrency` slots (at least 1). Jobs in or behind a cycle never start
 * and are missing from `order`. Ties are broken by key, so the same input gives the same answer.
 */
export function simulateSchedule(jobs: readonly ScheduledJob[], concurrency: number): Schedule {
  const state = new Simulation(jobs)
  const slots = Math.max(1, Math.floor(concurrency))
  let now = 0
  for (;;) {
    while (state.running.size < slots && state.startNext(now)) continue
    const next = state.running.peek()
    if (next === undefined) break
    now = next.endsAt
    state.finishUntil(now)
  }
  return { makespanMs: now, order: [...state.starts.keys()], starts: state.starts }
}

class Simulation {
  readonly starts = new Map<string, number>()
  readonly running = new Heap<{ readonly key: string; readonly endsAt: number }>(
    (left, right) => left.endsAt - right.endsAt || (left.key < right.key ? -1 : 1),
  )
  readonly #ready = new Heap<Startable>(compareStartable)
  readonly #jobs: ReadonlyMap<string, ScheduledJob>
  readonly #priorities: ReadonlyMap<string, number>
  readonly #lengths: ReadonlyMap<string, number>
  readonly #open = new Map<string, number>()
  readonly #dependants = new Map<string, string[]>()

  constructor(jobs: readonly ScheduledJob[]) {
    this.#jobs = new Map(jobs.map((job) => [job.key, job]))
    this.#priorities = effectivePriorities(jobs)
    this.#lengths = pathLengths(jobs)
    for (const job of jobs) this.#countDependencies(job)
    for (const [key, open] of this.#open) if (open === 0) this.#makeReady(key, 0)
  }

  startNext(now: number): boolean {
    const next = this.#ready.pop()
    if (next === undefined) return false
    this.starts.set(next.key, now)
    this.running.push({ key: next.key, endsAt: now + Math.max(0, this.#jobs.get(next.key)?.durationMs ?? 0) })
    return true
  }

  finishUntil(now: number): void {
    for (let next = this.running.peek(); next !== undefined && next.endsAt <= now; next = this.running.peek()) {
      this.running.pop()
      for (const dependant of this.#dependants.get(next.key) ?? []) {
        const open = (this.#open.get(dependant) ?? 0) - 1
        this.#open.set(dependant, open)
        if (open === 0) this.#makeReady(dependant, now)
      }
    }
  }

  #countDependencies(job: ScheduledJob): void {
    const known = [...new Set(job.dependsOn)].filter((key) => this.#jobs.has(key))
    this.#open.set(job.key, known.length)
    for (const key of known) {
      const list = this.#dependants.get(key) ?? []
      list.push(job.key)
      this.#dependants.set(key, list)
    }
  }

  #makeReady(key: string, now: number): void {
    this.#ready.push({
      key,
      effectivePriority: this.#priorities.get(key) ?? 0,
      pathLength: this.#lengths.get(key) ?? 1,
      readyAt: now,
    })
  }
}
