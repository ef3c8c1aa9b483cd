/**
 * The one retry loop (DESIGN section 7). Everything that calls a model goes through here: each request is
 * admitted on its own, sent once, and booked on its own, whether it brought a reply or not.
 */
import type { ErrorClass } from '../domain/error-class.ts'
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import type { Choice, Model } from '../models/model.ts'
import { ProviderError, type ModelCall, type ModelClient, type ModelReply } from '../providers/model-client.ts'
import type { CallDeps } from './call-deps.ts'
import { fitOutput, requestBytesOf } from './request-size.ts'
import type { Admission, AdmissionRequest, CallScope, RefusedBy, Reservation } from './reservation.ts'
import { backoffMs, decide, longestWaitInPlaceMs, needsPerson, waitsAfterChain, type Decision } from './retry-policy.ts'
import type { Settlement } from './settle.ts'

/** A call without the model that will answer it. */
export type ModelRequest = Omit<ModelCall, 'modelId'>

/** Where admissions and failures are written: plain transactions for a call alone, fenced ones for a job's errand. */
export interface CallLedger {
  admit(request: AdmissionRequest): Promise<Admission | { readonly kind: 'lost' }>
  /** Books a request that brought no usable reply. */
  bookFailure(settlement: Settlement): Promise<void>
}

export interface SendRequest {
  readonly scope: CallScope
  readonly choice: Choice
  readonly request: ModelRequest
  readonly signal: AbortSignal
  /** Total deadline of each request. */
  readonly timeoutMs: number
}

export type SendResult =
  /** `settlement` is for the caller to spool and commit. */
  | {
      readonly kind: 'reply'
      readonly reply: ModelReply
      readonly model: Model
      readonly settlement: Settlement
    }
  | {
      readonly kind: 'refused'
      readonly by: RefusedBy
      readonly reason: string
      readonly hint: string
    }
  | {
      readonly kind: 'wait'
      readonly waitsFor: 'rate' | 'provider' | 'budget'
      readonly untilMs: number
      readonly reason: string
      readonly errorClass: ErrorClass | null
    }
  | {
      readonly kind: 'failed'
      readonly errorClass: ErrorClass
      readonly message: string
      readonly hint: string | undefined
      /** The text of a reply that was not usable. */
      readonly partialText: string | undefined
    }
  /** `sent`: a request was on its way, and nobody knows what became of it. */
  | { readonly kind: 'aborted'; readonly sent: boolean }
  /** The ledger's fence refused: somebody else owns the job now. */
  | { readonly kind: 'lost' }

/** What one model of the chain ended with, when it ended without a reply. */
type ModelEnd = Exclude<SendResult, { kind: 'reply' | 'aborted' | 'lost' }>

/** Sends a request along the chain of models until one replies. Throws only what is no provider's failure. */
export async function sendWithRetry(deps: CallDeps, ledger: CallLedger, send: SendRequest): Promise<SendResult> {
  return new CallRun(deps, ledger, send).run()
}

class CallRun {
  readonly #deps: CallDeps
  readonly #ledger: CallLedger
  readonly #send: SendRequest
  readonly #bytes: number
  #patienceMs = longestWaitInPlaceMs
  #maxOutputTokens: number

  constructor(deps: CallDeps, ledger: CallLedger, send: SendRequest) {
    this.#deps = deps
    this.#ledger = ledger
    this.#send = send
    this.#bytes = requestBytesOf(send.request)
    this.#maxOutputTokens = send.request.maxOutputTokens
  }

  async run(): Promise<SendResult> {
    const models = this.#send.choice.chain.map((link) => link.model)
    if (models.length === 0) return noModel(this.#send.choice)
    const ends: ModelEnd[] = []
    let skip: (model: Model) => boolean = () => false
    for (const [index, model] of models.entries()) {
      if (skip(model)) continue
      const end = await this.#tryModel(model, index === models.length - 1)
      if (end.kind === 'reply' || end.kind === 'aborted' || end.kind === 'lost') return end
      ends.push(end.result)
      if (end.stop) break
      const next = end.skip
      if (next !== null) {
        const before = skip
        skip = (candidate) => before(candidate) || next(candidate)
      }
    }
    return strongest(ends)
  }

  async #tryModel(model: Model, last: boolean): Promise<Tried> {
    const client = await this.#clientOf(model)
    if (client.kind !== 'client') return client
    for (let failures = 0; ;) {
      const cooling = await this.#waitForCooldown(model, last)
      if (cooling !== null) return cooling
      const admitted = await this.#admit(model)
      if (admitted.kind !== 'admitted') return admitted
      const sent = await this.#sendOnce({ model, client: client.client, reservation: admitted.reservation })
      if (sent.kind !== 'error') return sent
      failures += 1
      const { error } = sent
      const decision = decide(
        {
          errorClass: error.errorClass,
          retryAfterMs: error.retryAfterMs,
          failures,
          patienceMs: this.#patienceMs,
        },
        this.#deps.random,
      )
      if (decision.kind !== 'retry') return this.#endOf(model, error, decision)
      if (decision.moreOutput) this.#maxOutputTokens *= 2
      if (!(await this.#pause(decision.delayMs))) return { kind: 'aborted', sent: false }
    }
  }

  /** Null when the model may be called now. Only the last resort is waited for; earlier ones are passed over. */
  async #waitForCooldown(model: Model, last: boolean): Promise<Tried | null> {
    const untilMs = await this.#deps.health.cooldownUntil(model.provider.id, model.modelId)
    const delayMs = untilMs === null ? 0 : untilMs - this.#deps.clock.now()
    if (untilMs === null || delayMs <= 0) return null
    if (last && delayMs <= this.#patienceMs)
      return (await this.#pause(delayMs)) ? null : { kind: 'aborted', sent: false }
    const reason = `${model.name} is cooling down`
    return passOver({ kind: 'wait', waitsFor: 'rate', untilMs, reason, errorClass: null })
  }

  async #admit(model: Model): Promise<Tried | { readonly kind: 'admitted'; readonly reservation: Reservation }> {
    const maxOutputTokens = fitOutput(model, this.#bytes, this.#maxOutputTokens)
    if (maxOutputTokens === null) return passOver(tooLong(model))
    const request = {
      scope: this.#send.scope,
      model,
      size: { requestBytes: this.#bytes, maxOutputTokens },
    }
    for (;;) {
      if (this.#send.signal.aborted) return { kind: 'aborted', sent: false }
      const admission = await this.#ledger.admit(request)
      if (admission.kind === 'admitted' || admission.kind === 'lost') return admission
      if (admission.kind === 'refused') return passOver(admission)
      const delayMs = admission.retryInMs + backoffMs(1, this.#deps.random)
      if (delayMs > this.#patienceMs) {
        const untilMs = this.#deps.clock.now() + delayMs
        return passOver({
          kind: 'wait',
          waitsFor: admission.by,
          untilMs,
          reason: admission.reason,
          errorClass: null,
        })
      }
      if (!(await this.#pause(delayMs))) return { kind: 'aborted', sent: false }
    }
  }

  /** A missing credential ends the model before anything is admitted, for nothing would be sent. */
  async #clientOf(model: Model): Promise<Tried | { readonly kind: 'client'; readonly client: ModelClient }> {
    try {
      return { kind: 'client', client: await this.#deps.providers.client(model.provider) }
    } catch (thrown) {
      if (!(thrown instanceof OrchError)) throw thrown
      const { message, hint } = thrown
      const error = new ProviderError(message, { errorClass: 'config', providerId: model.provider.id, hint })
      return { kind: 'end', result: await this.#resultOf(model, error), stop: false, skip: null }
    }
  }

  async #sendOnce({ model, client, reservation }: OneRequest): Promise<SentOnce> {
    const startedMs = this.#deps.clock.monotonic()
    const maxOutputTokens = fitOutput(model, this.#bytes, this.#maxOutputTokens) ?? this.#maxOutputTokens
    const call = { ...this.#send.request, modelId: model.modelId, maxOutputTokens }
    let reply: ModelReply
    try {
      reply = await client.send(call, { signal: this.#send.signal, timeoutMs: this.#send.timeoutMs })
    } catch (thrown) {
      const latencyMs = this.#deps.clock.monotonic() - startedMs
      return this.#failed(thrown, { model, reservation, latencyMs })
    }
    // Not waited for: until the reply is in the spool, nothing may stand between it and the disk.
    void this.#note(() => this.#deps.health.recordSuccess(model.provider.id, model.modelId))
    const { usage, latencyMs } = reply
    const settlement: Settlement = { reservation, outcome: 'ok', usage, latencyMs, errorClass: null }
    return { kind: 'reply', reply, model, settlement }
  }

  async #failed(thrown: unknown, sent: FailedRequest): Promise<SentOnce> {
    const { model, reservation, latencyMs } = sent
    const { aborted } = this.#send.signal
    const error = asProviderError(thrown, model)
    const { errorClass, retryAfterMs, usage = null, message: reason } = error
    const outcome = aborted ? 'unknown' : 'error'
    await this.#ledger.bookFailure({ reservation, outcome, usage, latencyMs, errorClass })
    if (aborted) return { kind: 'aborted', sent: true }
    if (!(thrown instanceof ProviderError)) throw thrown
    const failure = { errorClass, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
    await this.#note(() => this.#deps.health.recordFailure(model.provider.id, model.modelId, failure))
    return { kind: 'error', error }
  }

  /** What is remembered of a model's health is worth less than the reply in hand: a failed note loses neither. */
  async #note(write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch {
      this.#deps.warnOnce('provider_health', 'The health of providers could not be stored')
    }
  }

  async #endOf(model: Model, error: ProviderError, decision: Exclude<Decision, { kind: 'retry' }>): Promise<Tried> {
    const result = await this.#resultOf(model, error)
    if (decision.kind === 'stop') return { kind: 'end', result, stop: true, skip: null }
    return { kind: 'end', result, stop: false, skip: skipper(model, decision.to) }
  }

  async #resultOf(model: Model, error: ProviderError): Promise<ModelEnd> {
    const { errorClass, message, hint, partialText } = error
    if (!waitsAfterChain(errorClass)) return { kind: 'failed', errorClass, message, hint, partialText }
    const nowMs = this.#deps.clock.now()
    const cooledMs = await this.#deps.health.cooldownUntil(model.provider.id, model.modelId)
    const toldMs = error.retryAfterMs === undefined ? 0 : nowMs + error.retryAfterMs
    const untilMs = Math.max(cooledMs ?? 0, toldMs, nowMs + shortestRestMs)
    const waitsFor = needsPerson(errorClass) ? 'provider' : 'rate'
    return { kind: 'wait', waitsFor, untilMs, reason: message, errorClass }
  }

  /** False when the call was aborted meanwhile. */
  async #pause(delayMs: number): Promise<boolean> {
    this.#patienceMs -= delayMs
    await this.#deps.clock.sleep(delayMs, this.#send.signal)
    return !this.#send.signal.aborted
  }
}

/** How long a job rests at least after every model of its chain failed. */
const shortestRestMs = 5000

type Tried =
  | Extract<SendResult, { kind: 'reply' | 'aborted' | 'lost' }>
  | {
      readonly kind: 'end'
      readonly result: ModelEnd
      readonly stop: boolean
      readonly skip: ((candidate: Model) => boolean) | null
    }

interface OneRequest {
  readonly model: Model
  readonly client: ModelClient
  readonly reservation: Reservation
}

interface FailedRequest {
  readonly model: Model
  readonly reservation: Reservation
  readonly latencyMs: number
}

type SentOnce =
  | Extract<SendResult, { kind: 'reply' | 'aborted' }>
  | { readonly kind: 'error'; readonly error: ProviderError }

function passOver(result: ModelEnd): Tried {
  return { kind: 'end', result, stop: false, skip: null }
}

function skipper(model: Model, to: 'model' | 'provider' | 'larger_context'): ((candidate: Model) => boolean) | null {
  if (to === 'provider') return (candidate) => candidate.provider.id === model.provider.id
  if (to === 'model') return null
  const contextTokens = model.specs.contextTokens?.value
  return (candidate) =>
    contextTokens !== undefined && (candidate.specs.contextTokens?.value ?? Number.POSITIVE_INFINITY) <= contextTokens
}

function tooLong(model: Model): ModelEnd {
  return {
    kind: 'failed',
    errorClass: 'context',
    message: `the request does not fit the context of ${model.name} (${model.specs.contextTokens?.value} tokens)`,
    hint: 'Choose a model with a larger context window, or make the job smaller',
    partialText: undefined,
  }
}

function noModel(choice: Choice): SendResult {
  const excluded = choice.excluded.map(({ name, reason }) => `${name}: ${reason}`).slice(0, 5)
  const reason = excluded.length === 0 ? 'there is no usable model' : `no model fits (${excluded.join('; ')})`
  const ends = choice.excluded.flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]))
  // What only cools down comes back by itself: nobody has to do anything.
  if (ends.length > 0) return { kind: 'wait', waitsFor: 'rate', untilMs: Math.min(...ends), reason, errorClass: null }
  return {
    kind: 'refused',
    by: 'no_model',
    reason,
    hint: 'See `orch providers list` and `orch models list`',
  }
}

/** A client throws ProviderError; anything else is an abort, or a bug that `#failed` books and lets through. */
function asProviderError(thrown: unknown, model: Model): ProviderError {
  if (thrown instanceof ProviderError) return thrown
  const options = { errorClass: 'unknown_outcome', providerId: model.provider.id, cause: thrown } as const
  return new ProviderError(errorMessage(thrown), options)
}

/**
 * One answer for a chain that brought no reply: the earliest wait that ends by itself, else what a person
 * can clear (budget, billing, credentials), else the last failure.
 */
function strongest(ends: readonly ModelEnd[]): SendResult {
  const waits = ends.filter((end) => end.kind === 'wait').toSorted((a, b) => a.untilMs - b.untilMs)
  const byItself = waits.find((end) => end.waitsFor !== 'provider')
  const answer = byItself ?? ends.find((end) => end.kind === 'refused') ?? waits[0] ?? ends.at(-1)
  if (answer === undefined) throw new OrchError('ORCH_BUG', 'A call ended without a result')
  return answer
}
