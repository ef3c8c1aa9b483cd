/**
 * The journal of one try (ARCHITECTURE, "How a job travels"): every model call, tool call and command is an
 * errand with a place (job, try, ordinal). A later attempt of the same try walks the same places and gets the
 * committed outputs back without any effect; a new try starts empty.
 *
 * Per errand: (1) fenced transaction: errand started, reservation; (2) effect; (3) result fsynced to the spool;
 * (4) fenced transaction: errand done, usage, reservation settled. No transaction spans an effect.
 */
import { createHash } from 'node:crypto'
import { presentTables, type CallDeps, type PresentTables } from '../calls/call-deps.ts'
import { spoolOf, type Spool, type SpoolEntry } from '../calls/spool.ts'
import { fromJson, toJson } from '../database/json.ts'
import { engineError } from '../database/dialect/engine-error.ts'
import { holdsAttempt, whyRefused } from '../database/queries/fence.ts'
import { appendEvents } from '../database/repositories/event-repository.ts'
import {
  findFirstErrand,
  listErrandsOfTry,
  putErrand,
  updateErrand,
  type Errand,
} from '../database/repositories/errand-repository.ts'
import type { Trx } from '../database/dialect/dialect.ts'
import { errorMessage } from '../errors/orch-error.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Attempt, Outcome } from './attempt.ts'
import { isAway, patiently } from './patience.ts'
import { noVitals, type Vitals } from './watchdog.ts'

/** What is about to be done. */
export interface ErrandSpec {
  readonly taskOrdinal: number
  readonly kind: Errand['kind']
  readonly name: string
  /** Stored for people and for repair. */
  readonly request: unknown
  /** What makes it the same errand on replay; default: the request. */
  readonly identity?: unknown
}

/** An output, or the end of the attempt. */
export type Step<T> =
  | { readonly kind: 'done'; readonly output: T; readonly replayed: boolean }
  | { readonly kind: 'ended'; readonly outcome: Outcome }

/** Where an errand stands in the journal. */
export type Place =
  /** Committed by an earlier attempt. */
  | { readonly kind: 'replay'; readonly output: unknown }
  /** Not done yet; `stored` is a row that may be taken over. */
  | { readonly kind: 'open'; readonly errand: Errand; readonly stored: boolean }
  /** Started by an attempt that ended before it committed. */
  | { readonly kind: 'interrupted'; readonly errand: Errand }
  | { readonly kind: 'ended'; readonly outcome: Outcome }

/** Writes that belong to the same commit as an errand. */
export type AlsoWrite = (trx: Trx, present: PresentTables, nowMs: number) => Promise<void>

export interface CommitExtra {
  readonly also?: AlsoWrite
  /** Written instead where the fence refused. */
  readonly whenStale?: AlsoWrite
  /** The errand has no row yet: it had no effect that a crash could have left half done. */
  readonly fresh?: boolean
}

interface JournalScene {
  readonly deps: CallDeps
  readonly attempt: Attempt
  readonly vitals: Vitals
}

const journalTables = ['errands', 'job_events', 'tasks'] as const

export class Journal {
  readonly deps: CallDeps
  readonly attempt: Attempt
  readonly spool: Spool
  readonly vitals: Vitals
  readonly #known: Map<number, Errand>
  #ordinal = 0

  private constructor({ deps, attempt, vitals }: JournalScene, known: readonly Errand[]) {
    this.deps = deps
    this.attempt = attempt
    this.vitals = vitals
    this.spool = spoolOf(deps)
    this.#known = new Map(known.map((errand) => [errand.ordinal, errand]))
  }

  /** Reads what earlier attempts of the try committed. Without the table there is nothing to resume from. */
  static async open(deps: CallDeps, attempt: Attempt, vitals: Vitals = noVitals): Promise<Journal> {
    const scene = { deps, attempt, vitals }
    const present = await presentTables(deps.tables, journalTables)
    if (!present.has('errands')) {
      deps.warnOnce('errands', 'The table errands is missing: jobs run without resume until `orch db migrate`')
      return new Journal(scene, [])
    }
    const key = { jobId: attempt.job.id, try: attempt.try }
    const errands = await patiently(deps, attempt.signal, () => listErrandsOfTry(deps.database.db, key))
    const journal = new Journal(scene, errands)
    await journal.#removeCommitted()
    return journal
  }

  /** A process that died right after a commit left its result in the spool. */
  async #removeCommitted(): Promise<void> {
    if (this.isEmpty) return
    const waiting = new Set(await this.spool.ids())
    for (const { id, status } of this.#known.values()) {
      if (status === 'done' && waiting.has(id)) await this.spool.remove(id)
    }
  }

  /** Whether no earlier attempt of the try left anything. */
  get isEmpty(): boolean {
    return this.#known.size === 0
  }

  /** The request of the first model call that an earlier attempt of the try made, or null. */
  firstModelRequest(): unknown {
    const models = [...this.#known.values()].filter(({ kind }) => kind === 'model')
    return models.toSorted((a, b) => a.ordinal - b.ordinal)[0]?.request ?? null
  }

  /**
   * Moves to the next place. Errands that are known to have failed are taken over; those of unknown outcome
   * stay as a record of their purchase, and the errand moves to the place behind them.
   */
  next(spec: ErrandSpec): Place {
    const requestHash = hashOf(spec)
    this.vitals.alive(`the ${spec.kind === 'model' ? 'model call' : spec.kind} ${spec.name}`)
    for (;;) {
      this.#ordinal += 1
      const known = this.#known.get(this.#ordinal)
      if (known === undefined) return { kind: 'open', errand: this.#newErrand(spec, requestHash), stored: false }
      if (known.requestHash !== requestHash) return { kind: 'ended', outcome: diverged(known, spec) }
      switch (known.status) {
        case 'done':
          return { kind: 'replay', output: known.output }
        case 'started':
          return { kind: 'interrupted', errand: known }
        case 'failed':
          return { kind: 'open', errand: known, stored: true }
        case 'unknown_outcome':
          continue
      }
    }
  }

  /** Phase 1, or any other write before an effect. Null when the fence refused; `verb` names it in the event of that. */
  async start<T>(verb: string, write: (trx: Trx, present: PresentTables, nowMs: number) => Promise<T>) {
    return this.#fenced({ verb }, write)
  }

  /** Stores the start of an errand; call it inside `start`. */
  async writeStart(
    trx: Trx,
    { errand, stored }: Extract<Place, { kind: 'open' }>,
    { present, nowMs, beforeHash = null }: { present: PresentTables; nowMs: number; beforeHash?: string | null },
  ): Promise<void> {
    if (!present.has('errands')) return
    const begun = {
      status: 'started',
      attempt: this.attempt.number,
      startedAt: nowMs,
      endedAt: null,
      beforeHash,
    } as const
    if (stored) await updateErrand(trx, errand.id, begun)
    // Over an own row of the same place too: the answer to the first write may have been lost.
    else await putErrand(trx, { ...errand, ...begun })
  }

  /** Phase 3: keeps a result on this host until it is committed. */
  async spoolResult({ id, requestHash }: Errand, result: Pick<SpoolEntry, 'output' | 'settlement'>): Promise<void> {
    const { deps, spool } = this
    try {
      await spool.put({ version: 1, id, requestHash, database: deps.database.address, ...result })
    } catch {
      // A full disk must not lose the result in hand: the commit that follows is as durable.
      deps.warnOnce('spool', `Results cannot be spooled to ${deps.spoolDir}: a crash now could buy a reply twice`)
    }
    deps.crashPoints?.pass('after-spool')
  }

  /**
   * Phase 4. Where the fence refuses, only `whenStale` is written (money that was paid), with an event, and the
   * attempt ends as lost. Waits out a database that is away: the result is in hand.
   */
  async commit<T>(errand: Errand, output: T, extra: CommitExtra = {}): Promise<Step<T>> {
    // A replay reads what the database gives back, so the first pass must go on with the same.
    const kept = fromJson<T>(toJson(output))
    let written: true | null
    try {
      written = await this.#writeDone(errand, kept, extra)
    } catch (error) {
      return { kind: 'ended', outcome: this.#notStored(error) }
    }
    this.deps.crashPoints?.pass('after-errand-commit')
    await this.spool.remove(errand.id)
    this.vitals.alive()
    if (written === null) return { kind: 'ended', outcome: { kind: 'lost' } }
    return { kind: 'done', output: kept, replayed: false }
  }

  async #writeDone(errand: Errand, output: unknown, extra: CommitExtra): Promise<true | null> {
    return this.#fenced(
      { verb: 'errand', ...describe(errand) },
      async (trx, present, nowMs) => {
        const { number: attempt } = this.attempt
        const done = { status: 'done', output, errorClass: null, attempt, endedAt: nowMs } as const
        if (present.has('errands')) {
          if (extra.fresh === true) await putErrand(trx, { ...errand, ...done, startedAt: nowMs })
          else await updateErrand(trx, errand.id, done)
        }
        await extra.also?.(trx, present, nowMs)
        return true as const
      },
      extra.whenStale,
    )
  }

  /**
   * A result that cannot be written is no failure of the job: its attempt ends, the result waits in the spool, and
   * the next attempt of the try takes it from there. Throws what is no database's error.
   */
  #notStored(error: unknown): Outcome {
    const failure = this.deps.database.dialect.classify(error)
    if (failure === 'other' && engineError(error) === null) throw error
    const reason = `a result could not be stored: ${errorMessage(error)}`
    return { kind: 'released', reason, outage: isAway(failure) }
  }

  /** Closes a started errand without an output, so that the next attempt asks again. */
  async close(errand: Errand, status: 'failed' | 'unknown_outcome', errorClass: string | null): Promise<void> {
    await this.#fenced({ verb: 'close', ...describe(errand) }, async (trx, present, nowMs) => {
      if (!present.has('errands')) return
      await updateErrand(trx, errand.id, {
        status,
        attempt: this.attempt.number,
        endedAt: nowMs,
        ...(errorClass === null ? {} : { errorClass }),
      })
    })
  }

  /** Books money, with or without the fence: what was paid was paid. `stale` tells that the fence refused. */
  async book(write: (trx: Trx, present: PresentTables, stale: boolean) => Promise<void>): Promise<void> {
    await this.#fenced(
      { verb: 'book' },
      (trx, present) => write(trx, present, false),
      (trx, present) => write(trx, present, true),
    )
  }

  /**
   * Something observed once per job, before its first effect, and kept over all tries: taken by `observe` where
   * it is not stored for the same request yet.
   */
  async keepFirst<T>(name: string, request: unknown, observe: () => Promise<T>): Promise<Step<T>> {
    const spec: ErrandSpec = { taskOrdinal: 0, kind: 'tool', name, request }
    const requestHash = hashOf(spec)
    const present = await presentTables(this.deps.tables, journalTables)
    const { id: jobId } = this.attempt.job
    const find = () => findFirstErrand(this.deps.database.db, jobId, name)
    const first = present.has('errands') ? await patiently(this.deps, this.attempt.signal, find) : null
    if (first !== null && first.requestHash === requestHash && first.status === 'done') {
      return { kind: 'done', output: first.output as T, replayed: true }
    }
    const output = await observe()
    const written = await this.start(name, async (trx, tables, nowMs) => {
      const errand = { ...this.#newErrand(spec, requestHash), ordinal: 0, output, status: 'done' } as const
      if (tables.has('errands')) await putErrand(trx, { ...errand, startedAt: nowMs, endedAt: nowMs })
      return true
    })
    return written === null ? { kind: 'ended', outcome: { kind: 'lost' } } : { kind: 'done', output, replayed: false }
  }

  #newErrand(spec: ErrandSpec, requestHash: string): Errand {
    const { taskOrdinal, kind, name, request } = spec
    return {
      id: this.deps.ids.next(),
      jobId: this.attempt.job.id,
      try: this.attempt.try,
      ordinal: this.#ordinal,
      taskOrdinal,
      kind,
      name,
      requestHash,
      request,
      status: 'started',
      output: null,
      errorClass: null,
      beforeHash: null,
      attempt: this.attempt.number,
      startedAt: 0,
      endedAt: null,
    }
  }

  /**
   * One transaction that asks the fence first. Null when it refused: then only `otherwise` was written and an event,
   * and the attempt is told to stop.
   */
  async #fenced<T>(rejected: RejectedWrite, work: FencedWrite<T>, otherwise?: FencedWrite<void>): Promise<T | null> {
    const key = { jobId: this.attempt.job.id, attempt: this.attempt.number }
    let refusal: 'cancelled' | 'lost' | null = null
    const write = async (): Promise<T | null> => {
      const present = await presentTables(this.deps.tables, journalTables)
      return this.deps.database.write(async (trx) => {
        const nowMs = await this.deps.database.dialect.now(trx)
        refusal = null
        if (await holdsAttempt(trx, key)) return work(trx, present, nowMs)
        refusal = await whyRefused(trx, key)
        await otherwise?.(trx, present, nowMs)
        if (present.has('job_events')) await this.#recordRejection(trx, rejected, nowMs)
        return null
      })
    }
    const written = await this.vitals.outsideTime(() => patiently(this.deps, this.attempt.signal, write))
    if (refusal !== null) this.attempt.onRefused?.(refusal)
    return written
  }

  async #recordRejection(trx: Trx, rejected: RejectedWrite, nowMs: number): Promise<void> {
    const { job, project, number } = this.attempt
    const data = { ...rejected }
    const event = { projectId: project.id, jobId: job.id, attempt: number, kind: 'rejected_write', data }
    await appendEvents(trx, [event], { ids: this.deps.ids, at: nowMs })
  }
}

type FencedWrite<T> = (trx: Trx, present: PresentTables, nowMs: number) => Promise<T>

/** What the event of a refused write says. */
interface RejectedWrite {
  readonly verb: string
  readonly errand?: Errand['kind']
  readonly name?: string
  readonly ordinal?: number
}

function describe({ kind, name, ordinal }: Errand) {
  return { errand: kind, name, ordinal }
}

function hashOf({ kind, name, request, identity = request }: ErrandSpec): string {
  return createHash('sha256').update(canonicalJson({ kind, name, identity })).digest('hex')
}

function diverged(known: Errand, spec: ErrandSpec): Outcome {
  const message = `the journal of this try has "${known.name}" at place ${known.ordinal}, and the work now asks for "${spec.name}" with another request`
  return {
    kind: 'failed',
    failure: { errorClass: 'diverged', message, hint: 'The next try starts with an empty journal', evidence: [] },
    retryable: true,
  }
}
