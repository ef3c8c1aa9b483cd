/** One model call as an errand: the pieces of `calls/` inside the journal's fenced transactions. */
import { admit, simulatedAdmission } from '../calls/admit.ts'
import type { PresentTables } from '../calls/call-deps.ts'
import type { JobLimits } from '../calls/job-limits.ts'
import { redactReply } from '../calls/redact-reply.ts'
import type { CallScope } from '../calls/reservation.ts'
import { sendWithRetry, type CallLedger, type ModelRequest, type SendResult } from '../calls/send-with-retry.ts'
import { settle, settleOrphans, withdraw, type Settlement } from '../calls/settle.ts'
import type { Trx } from '../database/dialect/dialect.ts'
import { updateErrand, type Errand } from '../database/repositories/errand-repository.ts'
import type { Choice } from '../models/model.ts'
import type { ModelReply } from '../providers/model-client.ts'
import type { AlsoWrite, ErrandSpec, Journal, Place, Step } from './journal.ts'
import { outcomeOfSend } from './outcome-of-send.ts'

/** A committed reply. */
export interface ModelOutput {
  readonly reply: ModelReply
  /** `provider/model`. */
  readonly model: string
  /** A simulated model answered. */
  readonly rehearsed: boolean
}

export interface ModelStep {
  readonly spec: ErrandSpec
  readonly request: ModelRequest
  readonly choice: Choice
  readonly timeoutMs: number
  /** What the job may consume in all its tries. */
  readonly jobLimits: JobLimits
}

/**
 * Asks a model, or replays what it answered in an earlier attempt of the try. A call that was in flight when an
 * attempt died is read from the spool if its reply had arrived; else it counts as bought, and is asked once more.
 */
export async function modelStep(journal: Journal, step: ModelStep): Promise<Step<ModelOutput>> {
  const place = journal.next(step.spec)
  if (place.kind === 'ended') return place
  if (place.kind === 'replay') return { kind: 'done', output: place.output as ModelOutput, replayed: true }
  if (place.kind === 'open') return ask(journal, step, place)
  const spooled = await journal.spool.take(place.errand.id)
  if (spooled !== null && spooled.requestHash === place.errand.requestHash) {
    return commitReply(journal, place.errand, spooled as { output: ModelOutput; settlement: Settlement })
  }
  const closed = await closeUnknown(journal, place.errand)
  return closed ? modelStep(journal, step) : { kind: 'ended', outcome: { kind: 'lost' } }
}

type OpenPlace = Extract<Place, { kind: 'open' }>

async function ask(journal: Journal, step: ModelStep, place: OpenPlace): Promise<Step<ModelOutput>> {
  const ledger = new ErrandLedger(journal, place, step)
  const { request, choice, timeoutMs } = step
  const { signal } = journal.attempt
  const result = await sendWithRetry(journal.deps, ledger, {
    scope: scopeOf(journal, place.errand),
    choice,
    request,
    signal,
    timeoutMs,
  })
  if (result.kind === 'reply') journal.deps.crashPoints?.pass('after-response')
  if (result.kind !== 'reply')
    return endWithoutReply(journal, { errand: place.errand, started: ledger.started, result })
  const { model, settlement } = result
  const rehearsed = model.provider.kind === 'rehearsal'
  const output = { reply: redactReply(result.reply, journal.deps.redact), model: model.name, rehearsed }
  if (!rehearsed) await journal.spoolResult(place.errand, { output, settlement })
  return commitReply(journal, place.errand, { output, settlement, fresh: !ledger.started && !place.stored })
}

function commitReply(
  journal: Journal,
  errand: Errand,
  reply: { readonly output: ModelOutput; readonly settlement: Settlement; readonly fresh?: boolean },
): Promise<Step<ModelOutput>> {
  const { output, settlement, fresh = false } = reply
  const book = (stale: boolean): AlsoWrite => {
    return async (trx, present) => {
      await settle(trx, { ...journal.deps, present }, stale ? { ...settlement, outcome: 'stale' } : settlement)
    }
  }
  return journal.commit(errand, output, { also: book(false), whenStale: book(true), fresh })
}

/** Marks a call whose fate nobody knows, and books it at its bound. False when the fence refused. */
async function closeUnknown(journal: Journal, errand: Errand): Promise<boolean> {
  const written = await journal.start('unknown_outcome', async (trx, present, nowMs) => {
    await settleOrphans(trx, { ...journal.deps, present }, { errandId: errand.id })
    const unknown = { status: 'unknown_outcome', errorClass: 'unknown_outcome', endedAt: nowMs } as const
    await updateErrand(trx, errand.id, unknown)
    return true
  })
  return written !== null
}

async function endWithoutReply(
  journal: Journal,
  { errand, started, result }: { errand: Errand; started: boolean; result: Exclude<SendResult, { kind: 'reply' }> },
): Promise<Step<ModelOutput>> {
  if (started && result.kind !== 'lost') {
    const unknown = result.kind === 'aborted' && result.sent
    const errorClass = 'errorClass' in result ? result.errorClass : result.kind
    await journal.close(errand, unknown ? 'unknown_outcome' : 'failed', unknown ? 'unknown_outcome' : errorClass)
  }
  return { kind: 'ended', outcome: outcomeOfSend(result, journal.attempt.signal, journal.deps.clock.now()) }
}

/** Admissions and failures of one errand, each in a fenced transaction; the first admission starts the errand. */
class ErrandLedger implements CallLedger {
  readonly #journal: Journal
  readonly #place: OpenPlace
  readonly #step: Pick<ModelStep, 'timeoutMs' | 'jobLimits'>
  started = false

  constructor(journal: Journal, place: OpenPlace, step: Pick<ModelStep, 'timeoutMs' | 'jobLimits'>) {
    this.#journal = journal
    this.#place = place
    this.#step = step
  }

  async admit(request: Parameters<CallLedger['admit']>[0]): ReturnType<CallLedger['admit']> {
    const { deps, vitals } = this.#journal
    const { timeoutMs, jobLimits } = this.#step
    vitals.alive(`a call of ${request.model.name}`, timeoutMs)
    // Nothing is bought from a simulated model, so nothing need be known of a call that a crash cut short.
    if (request.model.provider.kind === 'rehearsal') return simulatedAdmission(deps, request)
    await deps.sharedSettings?.known()
    const started = this.started
    let rounds = 0
    const admission = await this.#journal.start('start', async (trx, present, nowMs) => {
      rounds += 1
      // Nothing was sent under an admission whose commit was in doubt.
      if (rounds > 1) await withdraw(trx, { ...deps, present }, this.#place.errand.id)
      const admitted = await admit(trx, { ...deps, present, alsoNeeded: ['errands'], jobLimits }, request)
      if (admitted.kind === 'admitted' && !started) {
        await this.#journal.writeStart(trx, this.#place, { present, nowMs })
      }
      return admitted
    })
    if (admission === null) return { kind: 'lost' }
    if (admission.kind !== 'admitted') return admission
    this.started = true
    deps.crashPoints?.pass('after-errand-start')
    return admission
  }

  async bookFailure(settlement: Settlement): Promise<void> {
    await this.#journal.book(async (trx: Trx, present: PresentTables, stale: boolean) => {
      await settle(trx, { ...this.#journal.deps, present }, stale ? { ...settlement, outcome: 'stale' } : settlement)
    })
  }
}

function scopeOf({ attempt }: Journal, errand: Errand): CallScope {
  return {
    purpose: 'job',
    projectId: attempt.project.id,
    jobId: attempt.job.id,
    errandId: errand.id,
    attempt: attempt.number,
    schedulerId: attempt.schedulerId,
    role: attempt.job.role,
    budgetMicroUsd: attempt.project.budgetMicroUsd,
  }
}
