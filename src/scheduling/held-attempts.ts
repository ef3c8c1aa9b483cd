import type { ClaimedJob } from '../database/queries/claim.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import type { Standing } from '../database/queries/heartbeat.ts'
import type { Attempt, Outcome, StopReason } from '../execution/attempt.ts'
import { isAway } from '../execution/patience.ts'
import { errorMessage } from '../errors/orch-error.ts'
import type { DatabaseFailure } from '../database/dialect/dialect.ts'

/** An attempt of this process, from its claim until its end is written. */
export interface HeldAttempt {
  readonly claimed: ClaimedJob
  readonly controller: AbortController
  /** Monotonic. */
  readonly startedAtMs: number
  outcome: Outcome | null
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
  readonly #held = new Map<string, HeldAttempt>()

  get size(): number {
    return this.#held.size
  }

  get running(): number {
    return this.all().filter(({ outcome }) => outcome === null).length
  }

  all(): readonly HeldAttempt[] {
    return [...this.#held.values()]
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
    // An older attempt of the job lost it, or this one could not have been claimed; it need not wait to be told.
    for (const older of this.all()) if (older.claimed.job.id === claimed.job.id) abort(older.controller, 'lost')
    const controller = new AbortController()
    const held: HeldAttempt = { claimed, controller, startedAtMs: starting.startedAtMs, outcome: null }
    this.#held.set(nameOf(keyOf(claimed)), held)
    const attempt: Attempt = {
      job: claimed.job,
      project: claimed.project,
      number: claimed.job.attempt,
      try: claimed.job.try,
      schedulerId: starting.schedulerId,
      signal: controller.signal,
      lastFailure: claimed.job.error,
      onRefused: (reason) => abort(controller, reason),
    }
    void runToOutcome(attempt, starting).then((outcome) => {
      held.outcome = outcome
      starting.onEnd()
    })
  }

  /** Forgets an attempt whose end is written or that belongs to somebody else. */
  drop(held: HeldAttempt): void {
    this.#held.delete(nameOf(keyOf(held.claimed)))
  }

  abort(key: AttemptKey, reason: StopReason): void {
    const held = this.#held.get(nameOf(key))
    if (held !== undefined) abort(held.controller, reason)
  }

  abortAll(reason: StopReason): void {
    for (const { controller } of this.all()) abort(controller, reason)
  }

  /**
   * Stops the work on those of the attempts that the database says are no longer ours or no longer wanted; returns
   * the ones that somebody else has by now, each once.
   */
  judge(keys: readonly AttemptKey[], standings: readonly Standing[]): readonly HeldAttempt[] {
    const byJob = new Map(standings.map((standing) => [standing.jobId, standing]))
    return keys.flatMap((key) => {
      const held = this.#held.get(nameOf(key))
      // What has ended meanwhile needs no stop, and its own end may be why it does not stand.
      if (held === undefined || held.outcome !== null) return []
      const verdict = verdictOn(held, byJob.get(key.jobId))
      const known = held.controller.signal.aborted
      if (verdict !== null) abort(held.controller, verdict)
      return verdict === 'lost' && !known ? [held] : []
    })
  }
}

function keyOf({ job }: ClaimedJob): AttemptKey {
  return { jobId: job.id, attempt: job.attempt }
}

function nameOf({ jobId, attempt }: AttemptKey): string {
  return `${jobId}#${attempt}`
}

function verdictOn({ claimed }: HeldAttempt, standing: Standing | undefined): 'cancelled' | 'lost' | null {
  if (standing === undefined || standing.attempt !== claimed.job.attempt) return 'lost'
  if (standing.state === 'cancelled' || standing.projectCancelled) return 'cancelled'
  return standing.state === 'running' ? null : 'lost'
}

function abort(controller: AbortController, reason: StopReason): void {
  // The first reason stands: a stop must not hide that the lease was lost.
  if (!controller.signal.aborted) controller.abort(reason)
}

async function runToOutcome(attempt: Attempt, { execute, classify }: Starting): Promise<Outcome> {
  try {
    const outcome = await execute(attempt)
    return attempt.signal.aborted && outcome.kind !== 'completed' ? outcomeOfStop(attempt, outcome) : outcome
  } catch (error) {
    if (attempt.signal.aborted) return outcomeOfStop(attempt, null)
    const failure = classify(error)
    const message = errorMessage(error)
    if (failure !== 'other') {
      return { kind: 'released', reason: `the database failed: ${message}`, outage: isAway(failure) }
    }
    return { kind: 'failed', failure: { errorClass: 'internal', message, evidence: [] }, retryable: true }
  }
}

/** Work that was told to stop did not fail: the reason decides what its end means. */
function outcomeOfStop(attempt: Attempt, outcome: Outcome | null): Outcome {
  const reason = attempt.signal.reason as StopReason
  if (reason === 'lost') return { kind: 'lost' }
  if (reason === 'cancelled') return { kind: 'cancelled' }
  if (outcome !== null && outcome.kind !== 'failed') return outcome
  return { kind: 'released', reason: 'the scheduler was stopped' }
}
