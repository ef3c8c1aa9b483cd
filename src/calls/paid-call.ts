import type { MicroUsd } from '../domain/money.ts'
import type { Choice, Model } from '../models/model.ts'
import type { ModelWish } from '../models/model-chooser.ts'
import type { ModelReply } from '../providers/model-client.ts'
import { admit } from './admit.ts'
import { presentTables, type CallDeps } from './call-deps.ts'
import { redactReply } from './redact-reply.ts'
import type { CallScope } from './reservation.ts'
import { sendWithRetry, type CallLedger, type ModelRequest, type SendResult } from './send-with-retry.ts'
import { costOf, settle, type Settlement } from './settle.ts'
import { spoolOf } from './spool.ts'

/** One call outside a job: the architect's, or a probe. */
export interface PaidCall {
  readonly scope: CallScope
  /** Which model may answer; a `Choice` where the caller has chosen already. */
  readonly model: ModelWish | Choice
  readonly request: ModelRequest
  readonly signal: AbortSignal
  /** Total deadline of each request; default 10 minutes. */
  readonly timeoutMs?: number
}

export type PaidReply =
  | {
      readonly kind: 'reply'
      readonly reply: ModelReply
      readonly model: Model
      /** Null is unknown; then `boundMicroUsd` is the most it can have cost, where that is known. */
      readonly costMicroUsd: MicroUsd | null
      readonly boundMicroUsd: MicroUsd | null
    }
  | Exclude<SendResult, { kind: 'reply' | 'lost' }>

export const defaultTimeoutMs = 600_000

/** The scope of a call that belongs to no job. */
export function scopeOutsideJobs(
  purpose: 'plan' | 'probe',
  scope: Partial<Pick<CallScope, 'projectId' | 'role' | 'budgetMicroUsd'>> = {},
): CallScope {
  return {
    purpose,
    projectId: scope.projectId ?? null,
    role: scope.role ?? null,
    budgetMicroUsd: scope.budgetMicroUsd ?? null,
    jobId: null,
    errandId: null,
    attempt: null,
    schedulerId: null,
  }
}

/**
 * Chooses a model, reserves the bound of each request in the budget, sends with the one retry loop, keeps the
 * result in the spool until its usage row is committed. Expected ends are returned: refused by the budget,
 * a wait, a failed request, an abort. Throws database and file-system failures.
 */
export async function callModel(deps: CallDeps, call: PaidCall): Promise<PaidReply> {
  await bookLeftovers(deps)
  const choice = 'chain' in call.model ? call.model : await deps.choose(call.model)
  const { scope, request, signal, timeoutMs = defaultTimeoutMs } = call
  const result = await sendWithRetry(deps, plainLedger(deps), {
    scope,
    choice,
    request,
    signal,
    timeoutMs,
  })
  if (result.kind === 'lost') return { kind: 'aborted', sent: false }
  if (result.kind !== 'reply') return result
  const { settlement, model } = result
  const reply = redactReply(result.reply, deps.redact)
  const id = await spoolReply(deps, reply, settlement)
  const booked = await bookOrLeave(deps, settlement)
  if (booked !== null && id !== null) await spoolOf(deps).remove(id)
  const { costMicroUsd, boundMicroUsd } = booked ?? costOf(settlement)
  return { kind: 'reply', reply, model, costMicroUsd, boundMicroUsd }
}

/** The id in the spool, or null where it could not be written: the reply in hand is worth more than the copy. */
async function spoolReply(deps: CallDeps, output: ModelReply, settlement: Settlement): Promise<string | null> {
  const { id } = settlement.reservation
  try {
    await spoolOf(deps).put({
      version: 1,
      id,
      requestHash: '',
      database: deps.database.address,
      output,
      settlement,
    })
    return id
  } catch {
    deps.warnOnce('spool', `Results cannot be spooled to ${deps.spoolDir}`)
    return null
  }
}

/** Books a reply; while the database is away its settlement stays in the spool, for a later call to book. */
async function bookOrLeave(deps: CallDeps, settlement: Settlement) {
  try {
    return await bookAlone(deps, settlement)
  } catch (error) {
    const failure = deps.database.dialect.classify(error)
    if (failure !== 'outage' && failure !== 'contention') throw error
    deps.warnOnce('booking', 'A call could not be booked: the database is away; the next call books it')
    return null
  }
}

/** Books what earlier processes received and could not commit. Results of jobs are left to their jobs. */
async function bookLeftovers(deps: CallDeps): Promise<void> {
  const spool = spoolOf(deps)
  for (const id of await spool.ids()) {
    const entry = await spool.take(id)
    if (entry?.database !== deps.database.address) continue
    const settlement = entry.settlement as Settlement | null
    if (settlement === null || settlement.reservation.scope.jobId !== null) continue
    await bookAlone(deps, settlement)
    await spool.remove(id)
  }
}

function plainLedger(deps: CallDeps): CallLedger {
  return {
    admit: async (request) => {
      const present = await presentTables(deps.tables)
      await deps.sharedSettings?.known()
      return deps.database.write((trx) => admit(trx, { ...deps, present }, request))
    },
    bookFailure: async (settlement) => {
      await bookAlone(deps, settlement)
    },
  }
}

async function bookAlone(deps: CallDeps, settlement: Settlement) {
  const present = await presentTables(deps.tables)
  return deps.database.write((trx) => settle(trx, { ...deps, present }, settlement))
}
