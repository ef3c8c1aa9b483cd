import type { ClaimedJob } from '../database/queries/claim.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import type { Standing } from '../database/queries/heartbeat.ts'
import type { Attempt, Outcome, StopReason } from '../execution/attempt.ts'
import { isAway } from '../execution/patience.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { DatabaseFailure } from '../database/dialect/dialect.ts'

/** An attempt of this process, from its claim until its end is written. */
export class HeldAttempt {
  readonly claimed: ClaimedJob
  /** Monotonic. */
  readonly startedAtMs: number
  outcome: Outcome | null = null
  #stopReason: StopReason | null = null
  /** Made when somebody asks for the signal: most work that ends at once never does, and each costs some microseconds. */
  #controller: AbortController | null = null

  constructor(claimed: ClaimedJob, startedAtMs: number) {
    this.claimed = claimed
    this.startedAtMs = startedAtMs
  }

  /** Why it was told to stop; null while it was not. */
  get stopReason(): StopReason | null {
    return this.#stopReason
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#stopReason !== null) this.#controller.abort(this.#stopReason)
    }
    return this.#controller.signal
  }

  /** Tells the work to stop. The first reason stands: a stop must not hide that the lease was lost. */
  stop(reason: StopReason): void {
    if (this.#stopReason !== null) return
    this.#stopReason = reason
    this.#controller?.abort(reason)
  }
}

interface Starting {
  readonly execute: (attempt: Attempt) => Promise<Outcome>
  readonly schedulerId: string
  readonly startedAtMs: number
  readonly classify: (error: unknown) => DatabaseFailure
  readonly onEnd: () => void
}

/**
 * The attempts a scheduler owns: running ones and those whose outcome still has to be written. By attempt and not by
 * job: one that was cancelled keeps its place until it ends, also when its job was retried and is claimed again.
 */
export class HeldAttempts {
  /** The latest attempt of each job, by its id. */
  readonly #latest = new Map<string, HeldAttempt>()
  /** Attempts of jobs that are held again since. */
  readonly #older = new Set<HeldAttempt>()

  get size(): number {
    return this.#latest.size + this.#older.size
  }

  get running(): number {
    let running = 0
    for (const { outcome } of this.all()) if (outcome === null) running += 1
    return running
  }

  all(): readonly HeldAttempt[] {
    return [...this.#older, ...this.#latest.values()]
  }

  keys(): readonly AttemptKey[] {
    return this.all().map(({ claimed }) => keyOf(claimed))
  }

  runningKeys(): readonly AttemptKey[] {
    const running = this.all().filter(({ outcome }) => outcome === null)
    return running.map(({ claimed }) => keyOf(claimed))
  }

  /** Attempts that ended and whose end is not written yet. */
  ended(): readonly (HeldAttempt & { readonly outcome: Outcome })[] {
    return this.all().filter((held): held is HeldAttempt & { outcome: Outcome } => held.outcome !== null)
  }

  /** Starts the work. Whatever it throws becomes an outcome. */
  start(claimed: ClaimedJob, starting: Starting): void {
    const { job } = claimed
    this.#makeRoom(keyOf(claimed))
    const held = new HeldAttempt(claimed, starting.startedAtMs)
    this.#latest.set(job.id, held)
    const attempt: Attempt = {
      job,
      project: claimed.project,
      number: job.attempt,
      try: job.try,
      schedulerId: starting.schedulerId,
      get signal() {
        return held.signal
      },
      lastFailure: job.error,
      onRefused: (reason) => held.stop(reason),
    }
    void runToOutcome(held, attempt, starting)
  }

  /** Forgets an attempt whose end is written or that belongs to somebody else. */
  drop(held: HeldAttempt): void {
    const jobId = held.claimed.job.id
    if (this.#latest.get(jobId) === held) this.#latest.delete(jobId)
    else this.#older.delete(held)
  }

  abort(key: AttemptKey, reason: StopReason): void {
    this.#find(key)?.stop(reason)
  }

  abortAll(reason: StopReason): void {
    for (const held of this.all()) held.stop(reason)
  }

  /**
   * Stops the work on those of the attempts that the database says are no longer ours or no longer wanted; returns
   * the ones that somebody else has by now, each once.
   */
  judge(keys: readonly AttemptKey[], standings: readonly Standing[]): readonly HeldAttempt[] {
    const byJob = new Map(standings.map((standing) => [standing.jobId, standing]))
    return keys.flatMap((key) => {
      const held = this.#find(key)
      // What has ended meanwhile needs no stop, and its own end may be why it does not stand.
      if (held === undefined || held.outcome !== null) return []
      const verdict = verdictOn(held, byJob.get(key.jobId))
      const known = held.stopReason !== null
      if (verdict !== null) held.stop(verdict)
      return verdict === 'lost' && !known ? [held] : []
    })
  }

  /** An older attempt of the job lost it, or a new one could not have been claimed; it need not wait to be told. */
  #makeRoom({ jobId, attempt }: AttemptKey): void {
    const known = this.#latest.get(jobId)
    if (known === undefined) return
    known.stop('lost')
    this.#latest.delete(jobId)
    // Claimed twice by the same number, as in a database that was set back: its end must not end the new one.
    if (known.claimed.job.attempt !== attempt) this.#older.add(known)
  }

  #find({ jobId, attempt }: AttemptKey): HeldAttempt | undefined {
    const latest = this.#latest.get(jobId)
    if (latest?.claimed.job.attempt === attempt) return latest
    for (const held of this.#older) {
      if (held.claimed.job.id === jobId && held.claimed.job.attempt === attempt) return held
    }
    return undefined
  }
}

function keyOf({ job }: ClaimedJob): AttemptKey {
  return { jobId: job.id, attempt: job.attempt }
}

function verdictOn({ claimed }: HeldAttempt, standing: Standing | undefined): 'cancelled' | 'lost' | null {
  if (standing === undefined || standing.attempt !== claimed.job.attempt) return 'lost'
  if (standing.state === 'cancelled' || standing.projectCancelled) return 'cancelled'
  return standing.state === 'running' ? null : 'lost'
}

async function runToOutcome(
  held: HeldAttempt,
  attempt: Attempt,
  { execute, classify, onEnd }: Starting,
): Promise<void> {
  try {
    const outcome = await execute(attempt)
    held.outcome = held.stopReason !== null && outcome.kind !== 'completed' ? outcomeOfStop(held, outcome) : outcome
  } catch (error) {
    held.outcome = held.stopReason === null ? outcomeOfError(error, classify(error)) : outcomeOfStop(held, null)
  }
  onEnd()
}

function outcomeOfError(error: unknown, failure: DatabaseFailure): Outcome {
  const message = errorMessage(error)
  if (failure !== 'other') {
    return { kind: 'released', reason: `the database failed: ${message}`, outage: isAway(failure) }
  }
  return { kind: 'failed', failure: { errorClass: 'internal', message, evidence: [] }, retryable: true }
}

/** Work that was told to stop did not fail: the reason decides what its end means. */
function outcomeOfStop({ stopReason }: HeldAttempt, outcome: Outcome | null): Outcome {
  if (stopReason === 'lost') return { kind: 'lost' }
  if (stopReason === 'cancelled') return { kind: 'cancelled' }
  if (outcome !== null && outcome.kind !== 'failed') return outcome
  return { kind: 'released', reason: 'the scheduler was stopped' }
}
