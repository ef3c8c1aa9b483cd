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
  /** Known from a larger plan than the one given; default: from the jobs given. */
  readonly effectivePriority?: number
  readonly pathLength?: number
  /** May not start earlier, milliseconds from the beginning; default 0. */
  readonly notBeforeMs?: number
  /** In line since, milliseconds from the beginning, negative before it; default: since its last dependency ended. */
  readonly readyAtMs?: number
  /** Runs when the simulation begins, in nobody's slot, and ends after its duration. */
  readonly underWay?: boolean
}

/** What else a start must wait for: locks and limits. */
export interface StartGate {
  /** What keeps the job from starting now, by a name that `ended` will give back; null where nothing does. */
  blocking(key: string): string | null
  started(key: string): void
  /** The names that the job's end may have freed. */
  ended(key: string): readonly string[]
}

const openGate: StartGate = { blocking: () => null, started: () => {}, ended: () => [] }

/** Why a job and no other was started. */
export interface StartChoice {
  readonly chosen: Startable
  /** The one that would have been next; null where no other could start. */
  readonly runnerUp: Startable | null
}

export interface Schedule {
  /** From the first start to the last end. */
  readonly makespanMs: number
  /** Keys in the order in which they start. */
  readonly order: readonly string[]
  /** Per key: milliseconds from the beginning. */
  readonly starts: ReadonlyMap<string, number>
  readonly choices: ReadonlyMap<string, StartChoice>
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
 * Simulates an acyclic plan with `concurrency` slots (at least 1). Jobs in or behind a cycle, and those that the
 * gate never lets in, never start and are missing from `order`. Ties are broken by key, so the same input gives the
 * same answer. Takes time in the order of n log n, however many jobs wait at the gate.
 */
export function simulateSchedule(jobs: readonly ScheduledJob[], concurrency: number, gate = openGate): Schedule {
  const state = new Simulation(jobs, gate)
  const slots = Math.max(1, Math.floor(concurrency))
  let now = 0
  for (;;) {
    while (state.slotsTaken < slots && state.startNext(now)) continue
    const next = state.nextEventAt()
    if (next === null) break
    now = next
    state.advanceTo(now)
  }
  return { makespanMs: now, order: [...state.starts.keys()], starts: state.starts, choices: state.choices }
}

/** A job in line, and the name it waited for at the gate before. */
interface InLine extends Startable {
  readonly origin: string | null
}

const byTime = (left: Timed, right: Timed) => left.atMs - right.atMs || (left.key < right.key ? -1 : 1)

interface Timed {
  readonly key: string
  readonly atMs: number
}

class Simulation {
  readonly starts = new Map<string, number>()
  readonly choices = new Map<string, StartChoice>()
  slotsTaken = 0
  readonly #running = new Heap<Timed>(byTime)
  readonly #timers = new Heap<Timed>(byTime)
  readonly #ready = new Heap<InLine>(compareStartable)
  readonly #atGate = new Map<string, Heap<InLine>>()
  readonly #gate: StartGate
  readonly #jobs: ReadonlyMap<string, ScheduledJob>
  readonly #priorities: ReadonlyMap<string, number>
  readonly #lengths: ReadonlyMap<string, number>
  readonly #open = new Map<string, number>()
  readonly #dependants = new Map<string, string[]>()

  constructor(jobs: readonly ScheduledJob[], gate: StartGate) {
    this.#gate = gate
    this.#jobs = new Map(jobs.map((job) => [job.key, job]))
    this.#priorities = effectivePriorities(jobs)
    this.#lengths = pathLengths(jobs)
    for (const job of jobs) this.#countDependencies(job)
    for (const job of jobs) {
      if (job.underWay === true) this.#running.push({ key: job.key, atMs: Math.max(0, job.durationMs) })
      else if (this.#open.get(job.key) === 0) this.#makeReady(job.key, 0)
    }
  }

  startNext(now: number): boolean {
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      const name = this.#gate.blocking(next.key)
      if (name === null) {
        this.#start(next, now)
        return true
      }
      this.#wait(next, name)
    }
    return false
  }

  nextEventAt(): number | null {
    const times = [this.#running.peek(), this.#timers.peek()].flatMap((next) => (next === undefined ? [] : [next.atMs]))
    return times.length === 0 ? null : Math.min(...times)
  }

  advanceTo(now: number): void {
    for (let next = this.#running.peek(); next !== undefined && next.atMs <= now; next = this.#running.peek()) {
      this.#running.pop()
      this.#end(next.key, now)
    }
    for (let next = this.#timers.peek(); next !== undefined && next.atMs <= now; next = this.#timers.peek()) {
      this.#timers.pop()
      this.#makeReady(next.key, now)
    }
  }

  #start(next: InLine, now: number): void {
    const { key, origin, ...place } = next
    this.#gate.started(key)
    this.starts.set(key, now)
    this.choices.set(key, { chosen: { key, ...place }, runnerUp: this.#runnerUp() })
    this.slotsTaken += 1
    this.#running.push({ key, atMs: now + Math.max(0, this.#jobs.get(key)?.durationMs ?? 0) })
    // There may be room for another one of those that waited for the same.
    if (origin !== null) this.#letIn(origin)
  }

  /** The next in line that the gate would let in; those that it would not go to wait there. */
  #runnerUp(): Startable | null {
    for (let next = this.#ready.peek(); next !== undefined; next = this.#ready.peek()) {
      const name = this.#gate.blocking(next.key)
      if (name === null) return next
      this.#ready.pop()
      this.#wait(next, name)
    }
    return null
  }

  #wait(next: InLine, name: string): void {
    const waiting = this.#atGate.get(name) ?? new Heap<InLine>(compareStartable)
    waiting.push({ ...next, origin: name })
    this.#atGate.set(name, waiting)
    if (next.origin !== null && next.origin !== name) this.#letIn(next.origin)
  }

  /** One of those who wait for a name gets another look; whoever starts or leaves lets the next one look. */
  #letIn(name: string): void {
    const next = this.#atGate.get(name)?.pop()
    if (next !== undefined) this.#ready.push(next)
  }

  #end(key: string, now: number): void {
    if (this.#jobs.get(key)?.underWay !== true) this.slotsTaken -= 1
    for (const name of this.#gate.ended(key)) this.#letIn(name)
    for (const dependant of this.#dependants.get(key) ?? []) {
      const open = (this.#open.get(dependant) ?? 0) - 1
      this.#open.set(dependant, open)
      if (open === 0) this.#makeReady(dependant, now)
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
    const job = this.#jobs.get(key)
    const notBeforeMs = job?.notBeforeMs ?? 0
    if (notBeforeMs > now) return this.#timers.push({ key, atMs: notBeforeMs })
    this.#ready.push({
      key,
      effectivePriority: job?.effectivePriority ?? this.#priorities.get(key) ?? 0,
      pathLength: job?.pathLength ?? this.#lengths.get(key) ?? 1,
      readyAt: job?.readyAtMs ?? now,
      origin: null,
    })
  }
}
