/**
 * What a project does, written from DESIGN sections 2 to 4 and not from the scheduler: a handful of jobs in a
 * map, no database, no leases, no schedulers. Who starts which job when is left open; everything that follows
 * from a start, an end or a person's act is not. What may not happen is returned as a sentence.
 */

export interface PlanNode {
  readonly key: string
  readonly after: readonly string[]
  readonly priority: number
  readonly tries: number
  /** Names, and directories that end with `/`: what the job has to itself while it runs. */
  readonly exclusive: readonly string[]
}

/** Something happened at some moment between the two, by the wall clock. */
export interface Span {
  readonly from: number
  readonly to: number
}

export type ModelState = 'blocked' | 'ready' | 'running' | 'completed' | 'failed' | 'cancelled' | 'skipped'

export interface ModelJob {
  node: PlanNode
  state: ModelState
  attempt: number
  try: number
  /** Tries left, the present one included. */
  triesLeft: number
  interruptions: number
  hold: 'person' | 'quarantine' | null
  /** May not start earlier than this, and nothing but somebody else keeps it waiting after that. */
  notBefore: number
  notAfter: number
  readySince: Span
  /** The present attempt committed an errand. */
  progressed: boolean
}

export type End =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly retryable: boolean }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'released'; readonly interruption: boolean }

/** The pause before another try is a matter of chance, up to this. */
export const longestBackoffMs = 60_000

/** A job that waits for its time stands in line when that has come and somebody saw it. */
const sometime: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }

const dead: readonly ModelState[] = ['failed', 'cancelled', 'skipped']
const open: readonly ModelState[] = ['blocked', 'ready', 'running']

export class ReferenceModel {
  readonly jobs = new Map<string, ModelJob>()
  project: 'active' | 'paused' | 'cancelled' = 'active'
  /** Inherited priority and length of the longest path to the end, by key. */
  readonly #ranks = new Map<string, readonly [priority: number, pathLength: number]>()
  readonly #ancestors = new Map<string, readonly string[]>()

  job(key: string): ModelJob {
    const job = this.jobs.get(key)
    if (job === undefined) throw new Error(`the model has no job ${key}`)
    return job
  }

  /** A new or changed plan: what runs or is over stays as it is, the rest is counted anew. */
  apply(nodes: readonly PlanNode[], at: Span): void {
    for (const node of nodes) {
      const known = this.jobs.get(node.key)
      if (known === undefined) this.jobs.set(node.key, newJob(node, at))
      else known.node = node
    }
    this.#ranks.clear()
    this.#ancestors.clear()
    const seen = new Set<string>()
    for (const { key } of nodes) this.#settle(key, at, seen)
  }

  start(key: string, at: Span): string | null {
    const job = this.job(key)
    const reason = this.reasonToWait(key, at.to)
    job.attempt += 1
    job.progressed = false
    const early = job.node.after.filter((dependency) => this.job(dependency).state !== 'completed')
    if (early.length > 0) return `${key} started before ${early.join(' and ')} completed`
    if (reason !== null) return `${key} started although: ${reason}`
    job.state = 'running'
    const rival = [...this.jobs.values()].find(
      (other) => other !== job && other.state === 'running' && collide(job, other),
    )
    return rival === undefined ? null : `${key} started beside ${rival.node.key}, which has the same to itself`
  }

  /** The end of the present attempt of a running job. */
  end(key: string, end: End, at: Span): void {
    const job = this.job(key)
    const interruptions = job.interruptions
    job.interruptions = 0
    switch (end.kind) {
      case 'completed':
        job.state = 'completed'
        for (const other of this.#dependants(key)) if (other.state === 'blocked') this.#rest(other, at)
        return
      case 'failed':
        job.triesLeft -= 1
        if (!end.retryable || job.triesLeft <= 0) return this.#die(job, 'failed')
        job.try += 1
        job.notBefore = at.from
        job.notAfter = at.to + longestBackoffMs
        job.readySince = sometime
        break
      case 'wait':
        job.notBefore = end.until
        job.notAfter = end.until
        job.readySince = sometime
        break
      case 'released':
        job.notBefore = at.from
        job.notAfter = at.to
        if (!end.interruption) break
        job.interruptions = job.progressed ? 0 : interruptions + 1
        if (job.interruptions >= 3) job.hold = 'quarantine'
    }
    const { readySince } = job
    this.#rest(job, at)
    job.readySince = readySince
    // A changed plan put it behind a dead job while it ran.
    if (job.state === 'skipped') this.#die(job, 'skipped')
  }

  /** False where there is nothing to cancel. */
  cancel(key: string): boolean {
    const job = this.job(key)
    if (!open.includes(job.state)) return false
    this.#die(job, 'cancelled')
    return true
  }

  cancelProject(): void {
    this.project = 'cancelled'
    for (const job of this.jobs.values()) if (open.includes(job.state)) job.state = 'cancelled'
  }

  hold(key: string): boolean {
    const job = this.job(key)
    if (!open.includes(job.state)) return false
    job.hold = 'person'
    return true
  }

  release(key: string): boolean {
    const job = this.job(key)
    if (!open.includes(job.state) || job.hold === null) return false
    job.hold = null
    job.interruptions = 0
    return true
  }

  /** The job and its dead ancestors come back, then what was skipped behind them and is behind no dead job any more. */
  retry(key: string, at: Span): boolean {
    const target = this.job(key)
    if (this.project === 'cancelled' || !dead.includes(target.state)) return false
    const back = [...this.ancestors(key), key].filter((one) => dead.includes(this.job(one).state))
    for (const one of back) this.job(one).state = 'blocked'
    const behind = new Set(back.flatMap((one) => this.#allBehind(one)))
    // Nearest first: what comes back lets those behind it come back as well.
    for (const one of [...behind].toSorted((a, b) => this.ancestors(a).length - this.ancestors(b).length)) {
      const job = this.job(one)
      if (job.state !== 'skipped' || job.node.after.some((before) => dead.includes(this.job(before).state))) continue
      job.state = 'blocked'
      back.push(one)
    }
    for (const one of back) this.#revive(this.job(one), at, one === key)
    return true
  }

  #revive(job: ModelJob, at: Span, isTarget: boolean): void {
    job.triesLeft = job.node.tries
    if (job.attempt > 0) job.try += 1
    job.interruptions = 0
    job.notBefore = at.from
    job.notAfter = at.to
    // A person's hold is a person's to lift: by naming the job.
    if (isTarget || job.hold === 'quarantine') job.hold = null
    this.#rest(job, at)
  }

  /** Why the job may not start at that time; null where nothing stands in its way. */
  reasonToWait(key: string, now: number): string | null {
    const { state, hold, notBefore } = this.job(key)
    if (state !== 'blocked' && state !== 'ready') return `it is ${state}`
    if (this.project !== 'active') return `its project is ${this.project}`
    if (hold !== null) return `it is held (${hold})`
    if (state === 'blocked') return 'a dependency is unfinished'
    return notBefore > now ? 'its time has not come' : null
  }

  /** Negative where `a` goes first; 0 where nothing decides, or both became ready at about the same time. */
  order(a: string, b: string): number {
    const [[priorityA, pathA], [priorityB, pathB]] = [this.#rank(a), this.#rank(b)]
    if (priorityA !== priorityB) return priorityB - priorityA
    if (pathA !== pathB) return pathB - pathA
    const [left, right] = [this.job(a).readySince, this.job(b).readySince]
    return left.to < right.from ? -1 : right.to < left.from ? 1 : 0
  }

  /** Whether the two may not run at once. */
  collides(a: string, b: string): boolean {
    return collide(this.job(a), this.job(b))
  }

  ancestors(key: string): readonly string[] {
    const known = this.#ancestors.get(key)
    if (known !== undefined) return known
    const found = new Set<string>()
    const visit = (one: string) => {
      for (const before of this.job(one).node.after) {
        if (found.has(before)) continue
        found.add(before)
        visit(before)
      }
    }
    visit(key)
    this.#ancestors.set(key, [...found])
    return [...found]
  }

  #allBehind(key: string): string[] {
    return [...this.jobs.keys()].filter((other) => this.ancestors(other).includes(key))
  }

  #dependants(key: string): ModelJob[] {
    return [...this.jobs.values()].filter(({ node }) => node.after.includes(key))
  }

  /** Unfinished dependencies, which a blocked job counts. */
  openDependencies(key: string): number {
    return this.job(key).node.after.filter((before) => this.job(before).state !== 'completed').length
  }

  /** Takes everything along that waits behind it; what runs or completed stays, and so does what waits for that only. */
  #die(job: ModelJob, state: 'failed' | 'cancelled' | 'skipped'): void {
    job.state = state
    for (const other of this.#dependants(job.node.key)) if (other.state === 'blocked') this.#die(other, 'skipped')
  }

  /** Where a job that does not run belongs: behind a dead one, behind an unfinished one, or ready. */
  #rest(job: ModelJob, at: Span): void {
    const before = job.node.after.map((key) => this.job(key).state)
    const next = before.some((state) => dead.includes(state))
      ? 'skipped'
      : before.every(isCompleted)
        ? 'ready'
        : 'blocked'
    if (next === 'ready' && job.state !== 'ready') job.readySince = job.notBefore > at.from ? sometime : at
    job.state = next
  }

  /** For a changed plan: dependencies first. */
  #settle(key: string, at: Span, seen: Set<string>): void {
    if (seen.has(key)) return
    seen.add(key)
    const job = this.job(key)
    for (const before of job.node.after) this.#settle(before, at, seen)
    if (job.state === 'blocked' || job.state === 'ready' || job.state === 'skipped') this.#rest(job, at)
  }

  #rank(key: string): readonly [priority: number, pathLength: number] {
    const known = this.#ranks.get(key)
    if (known !== undefined) return known
    const behind = this.#dependants(key).map(({ node }) => this.#rank(node.key))
    const priority = Math.max(this.job(key).node.priority, ...behind.map(([inherited]) => inherited))
    const rank = [priority, 1 + Math.max(0, ...behind.map(([, length]) => length))] as const
    this.#ranks.set(key, rank)
    return rank
  }
}

function newJob(node: PlanNode, at: Span): ModelJob {
  const start = { attempt: 0, try: 1, triesLeft: node.tries, interruptions: 0, hold: null, progressed: false }
  return { node, state: 'blocked', ...start, notBefore: at.from, notAfter: at.to, readySince: at }
}

function isCompleted(state: ModelState): boolean {
  return state === 'completed'
}

function collide(a: ModelJob, b: ModelJob): boolean {
  return a.node.exclusive.some((one) => b.node.exclusive.some((other) => covers(one, other) || covers(other, one)))
}

function covers(one: string, other: string): boolean {
  return one === other || (one.endsWith('/') && other.startsWith(one))
}
