/** Explains every change of the rows by the reference model; what it cannot explain is a fault. */
import type { Outcome } from '../../src/execution/attempt.ts'
import type { End, ReferenceModel, Span } from './reference-model.ts'
import type { SeenAttempt, SeenJob, Snapshot } from './snapshot.ts'

/** A scheduler as its peers may know it. */
export interface Owner {
  readonly host: string
  alive: boolean
  stopped: boolean
}

export interface Step {
  readonly name: string
  readonly span: Span
  /** Ids of the schedulers that were at work. */
  readonly actors: readonly string[]
  /** Places that were still free after a pass without disturbance; null where that is not known. */
  readonly freePlaces: number | null
}

export interface Transition {
  readonly job: string
  readonly attempt: number
  readonly state: string
  readonly outcome: string | null
}

/** What the work of an attempt returned, by `attemptName`. */
export type Fates = ReadonlyMap<string, Outcome>

export function attemptName(jobId: string, attempt: number): string {
  return `${jobId}#${attempt}`
}

export class Observer {
  readonly #model: ReferenceModel
  readonly #owners: ReadonlyMap<string, Owner>
  readonly #fates: Fates
  readonly #faults: string[] = []
  #before: Snapshot = { jobs: [], attempts: [], locks: [] }

  constructor(model: ReferenceModel, known: { readonly owners: ReadonlyMap<string, Owner>; readonly fates: Fates }) {
    this.#model = model
    this.#owners = known.owners
    this.#fates = known.fates
  }

  /** Takes the step in the model and compares; returns what changed and what should not have. */
  observe(
    after: Snapshot,
    step: Step,
  ): { readonly transitions: readonly Transition[]; readonly faults: readonly string[] } {
    const before = this.#before
    const names = new Map(after.jobs.map((job) => [job.id, job.key]))
    this.#explain(after, step, (attempt) => names.get(attempt.job_id) ?? attempt.job_id)
    for (const job of after.jobs) this.#compare(job, after, names)
    this.#compareLocks(after)
    this.#before = after
    return { transitions: transitionsBetween(before, after, names), faults: this.#faults.splice(0) }
  }

  #explain(after: Snapshot, step: Step, keyOf: (attempt: SeenAttempt) => string): void {
    const known = new Map(this.#before.attempts.map((one) => [attemptName(one.job_id, one.number), one]))
    const was = (one: SeenAttempt) => known.get(attemptName(one.job_id, one.number))
    let ends = after.attempts.filter((one) => one.ended_at !== null && (was(one)?.ended_at ?? null) === null)
    let starts = after.attempts.filter((one) => was(one) === undefined)
    let judged = false
    // One pass ends, then starts; passes side by side may do so in any order that explains it.
    for (let left = -1; left !== ends.length + starts.length;) {
      left = ends.length + starts.length
      ends = ends.filter((one) => !this.#takeEnd(one, keyOf(one), step))
      if (!judged) this.#judgeOrder(starts.map(keyOf), after, step)
      judged = true
      starts = starts.filter((one) => !this.#takeStart(one, keyOf(one), step))
    }
    for (const one of starts) this.#note(this.#model.start(keyOf(one), step.span))
    for (const one of ends) {
      const { state } = this.#model.job(keyOf(one))
      if (one.outcome === 'cancelled' && state === 'cancelled') continue
      this.#note(`attempt ${one.number} of ${keyOf(one)} was ended as ${one.outcome} although the job is ${state}`)
    }
  }

  #isStartable(one: SeenAttempt, key: string): boolean {
    const job = this.#model.job(key)
    return job.state === 'ready' && job.attempt + 1 === one.number
  }

  #takeStart(one: SeenAttempt, key: string, step: Step): boolean {
    if (!this.#isStartable(one, key)) return false
    this.#note(this.#model.start(key, step.span))
    return true
  }

  #takeEnd(one: SeenAttempt, key: string, step: Step): boolean {
    const job = this.#model.job(key)
    if (job.state !== 'running' || job.attempt !== one.number) return false
    const end = this.#meaningOf(one, key, step)
    if (end !== null) this.#model.end(key, end, step.span)
    return end !== null
  }

  #meaningOf(one: SeenAttempt, key: string, step: Step): End | null {
    const fate = this.#fates.get(attemptName(one.job_id, one.number))
    if (one.outcome === 'released') return this.#meaningOfRelease(one, key, step)
    if (fate === undefined || fate.kind !== one.outcome) {
      this.#note(`attempt ${one.number} of ${key} ended as ${one.outcome}, its work as ${fate?.kind ?? 'nothing yet'}`)
    }
    if (one.outcome === 'completed') return { kind: 'completed' }
    if (one.outcome === 'failed') return { kind: 'failed', retryable: fate?.kind === 'failed' && fate.retryable }
    return one.outcome === 'wait' ? { kind: 'wait', until: fate?.kind === 'wait' ? fate.untilMs : 0 } : null
  }

  #meaningOfRelease(one: SeenAttempt, key: string, step: Step): End {
    const own = step.actors.includes(one.scheduler_id)
    if (own && step.name === 'stop') return { kind: 'released', interruption: false }
    if (own && this.#fates.get(attemptName(one.job_id, one.number))?.kind === 'released') {
      return { kind: 'released', interruption: true }
    }
    if (!this.#mayRescue(one, step)) this.#note(`attempt ${one.number} of ${key} was rescued while its owner lived`)
    return { kind: 'released', interruption: true }
  }

  #mayRescue(one: SeenAttempt, step: Step): boolean {
    const row = this.#before.jobs.find(({ id }) => id === one.job_id)
    const lease = row?.lease_expires_at ?? null
    // Claimed in this very step: only one that lasted longer than the lease can also have rescued it.
    if (row?.attempt !== one.number || lease === null || lease < step.span.to) return true
    const owner = this.#owners.get(one.scheduler_id)
    if (owner === undefined || owner.stopped) return true
    return !owner.alive && step.actors.some((actor) => this.#owners.get(actor)?.host === owner.host)
  }

  /** Promise 4 among what could have been started in this step, and that no place stays empty for nothing. */
  #judgeOrder(started: readonly string[], after: Snapshot, step: Step): void {
    if (step.actors.length !== 1) return
    const names = new Map(after.jobs.map((job) => [job.id, job.key]))
    const taken = new Set(started)
    const locked = after.locks.map((lock) => names.get(lock.job_id) ?? '').filter((key) => !taken.has(key))
    const running = after.jobs.map(({ key }) => key).filter((key) => this.#model.job(key).state === 'running')
    const holders = new Set([...locked, ...running])
    const ready = new Set(this.#before.jobs.filter(({ run_at }) => run_at <= step.span.from).map(({ key }) => key))
    for (const { key, run_at } of after.jobs) {
      if (!ready.has(key)) continue
      if (taken.has(key) || run_at > step.span.from || this.#model.reasonToWait(key, step.span.from) !== null) continue
      const earlier = started.filter((other) => this.#model.order(other, key) <= 0)
      // A retried job waits for what its own cancelled attempt still holds, like for anybody else's.
      if ([...holders, ...earlier].some((other) => this.#model.collides(key, other))) continue
      const later = started.find((other) => this.#model.order(key, other) < 0)
      if (later !== undefined) this.#note(`${later} started before ${key}, whose turn it was`)
      if ((step.freePlaces ?? 0) > 0) this.#note(`${key} could start, and a place stayed empty`)
    }
  }

  #compare(seen: SeenJob, after: Snapshot, names: ReadonlyMap<string, string>): void {
    const job = this.#model.job(seen.key)
    const said = (what: string, is: unknown, wanted: unknown) => {
      if (is !== wanted) this.#note(`${seen.key} has ${what} ${String(is)}, the model says ${String(wanted)}`)
    }
    said('state', seen.state, job.state)
    said('attempt', seen.attempt, job.attempt)
    said('try', seen.try, job.try)
    if (['blocked', 'ready', 'running'].includes(seen.state)) {
      said('hold', seen.hold, job.hold)
      said('interruptions', seen.interruptions, job.interruptions)
    }
    if (seen.state === 'ready' && seen.run_at > job.notAfter)
      this.#note(`${seen.key} may not start until ${seen.run_at}`)
    if (seen.state === 'blocked') said('blocked_by', seen.blocked_by, this.#model.openDependencies(seen.key))
    if (seen.state === 'skipped') this.#compareCause(seen, names)
    const open = after.attempts.filter((one) => one.job_id === seen.id && one.ended_at === null)
    said('open attempts', open.map(({ number }) => number).join(), seen.state === 'running' ? String(seen.attempt) : '')
  }

  #compareCause(seen: SeenJob, names: ReadonlyMap<string, string>): void {
    const cause = names.get(seen.skipped_because ?? '') ?? null
    const known = cause !== null && this.#model.ancestors(seen.key).includes(cause)
    if (known && ['failed', 'cancelled'].includes(this.#model.job(cause).state)) return
    this.#note(`${seen.key} is skipped because of ${cause ?? 'nothing'}, which is no dead job before it`)
  }

  #compareLocks({ locks }: Snapshot): void {
    for (const [index, lock] of locks.entries()) {
      const rival = locks.slice(index + 1).find((other) => {
        const same = other.name === lock.name && other.job_id !== lock.job_id
        return same && (other.mode === 'exclusive' || lock.mode === 'exclusive')
      })
      if (rival !== undefined) this.#note(`two jobs hold ${lock.name}`)
    }
  }

  #note(fault: string | null): void {
    if (fault !== null) this.#faults.push(fault)
  }
}

function transitionsBetween(before: Snapshot, after: Snapshot, names: ReadonlyMap<string, string>): Transition[] {
  const rows = new Map(before.jobs.map((job) => [job.id, job]))
  const moved = after.jobs.flatMap(({ id, key, attempt, state }): Transition[] => {
    const old = rows.get(id)
    return old?.state === state && old.attempt === attempt ? [] : [{ job: key, attempt, state, outcome: null }]
  })
  const ended = new Set(before.attempts.filter(isOver).map((one) => attemptName(one.job_id, one.number)))
  const over = after.attempts.filter((one) => isOver(one) && !ended.has(attemptName(one.job_id, one.number)))
  return [
    ...over.map((one) => ({
      job: names.get(one.job_id) ?? one.job_id,
      attempt: one.number,
      state: 'ended',
      outcome: one.outcome,
    })),
    ...moved,
  ]
}

function isOver({ ended_at }: SeenAttempt): boolean {
  return ended_at !== null
}
