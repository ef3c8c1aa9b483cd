import type { Trx } from '../database/dialect/dialect.ts'
import { findAbandonedReservations } from '../database/queries/abandoned-reservations.ts'
import {
  closeReservation,
  findOpenReservations,
  type OrphanFilter,
  type StoredReservation,
} from '../database/repositories/reservation-repository.ts'
import { insertUsage, type UsageRecord } from '../database/repositories/usage-repository.ts'
import type { ErrorClass } from '../domain/error-class.ts'
import { priceCall } from '../models/pricing.ts'
import type { TokenUsage } from '../providers/model-client.ts'
import type { CallDeps, PresentTables } from './call-deps.ts'
import type { Reservation } from './reservation.ts'

/** What settling needs: `present` tells the tables the transaction may use. */
export interface SettleDeps extends Pick<CallDeps, 'clock' | 'warnOnce'> {
  readonly present: PresentTables
}

/** What became of one request. */
export interface Settlement {
  readonly reservation: Reservation
  readonly outcome: UsageRecord['outcome']
  /** As the provider counted; null where it did not say. */
  readonly usage: TokenUsage | null
  readonly latencyMs: number | null
  readonly errorClass: ErrorClass | null
}

/** Failures for which providers charge nothing, because no reply was generated. */
const uncharged: ReadonlySet<ErrorClass> = new Set([
  'rate',
  'overload',
  'server',
  'connect',
  'billing',
  'auth',
  'request',
  'context',
  'config',
])

const unknownUsage: TokenUsage = {
  inputTokens: null,
  cachedInputTokens: null,
  cacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
}

/**
 * Books one request in the caller's transaction: its usage row is appended and its reservation closed.
 * Repeating it changes nothing. Without `model_usage` the run goes on without accounting and says so once.
 */
export async function settle(trx: Trx, deps: SettleDeps, settlement: Settlement): Promise<UsageRecord> {
  const record = toRecord(settlement, deps.clock.now())
  await book(trx, deps, record)
  return record
}

/**
 * Books calls whose sender is gone: outcome unknown, at their bound, because they may have been paid
 * (promise 7). For a job that is rescued or resumed. Returns how many there were.
 */
export async function settleOrphans(trx: Trx, deps: SettleDeps, filter: OrphanFilter): Promise<number> {
  if (!deps.present.has('reservations')) return 0
  const orphans = await findOpenReservations(trx, filter)
  for (const orphan of orphans) await book(trx, deps, orphanRecord(orphan, deps.clock.now()))
  return orphans.length
}

/**
 * The same for calls that nobody is going to settle, so that they hold neither budget nor slots for ever. Returns
 * how many there were.
 */
export async function settleAbandoned(trx: Trx, deps: SettleDeps): Promise<number> {
  if (!deps.present.has('reservations') || !deps.present.has('jobs')) return 0
  const nowMs = deps.clock.now()
  const abandoned = await findAbandonedReservations(trx, nowMs)
  for (const one of abandoned) await book(trx, deps, orphanRecord(one, nowMs))
  return abandoned.length
}

/** Gives back what an errand reserved for requests that were never sent. */
export async function withdraw(trx: Trx, deps: SettleDeps, errandId: string): Promise<void> {
  if (!deps.present.has('reservations')) return
  for (const { id } of await findOpenReservations(trx, { errandId })) await closeReservation(trx, id, deps.clock.now())
}

async function book(trx: Trx, deps: SettleDeps, record: UsageRecord): Promise<void> {
  if (deps.present.has('model_usage')) await insertUsage(trx, record)
  else
    deps.warnOnce(
      'model_usage',
      'The table model_usage is missing: calls run without accounting until `orch db migrate`',
    )
  if (deps.present.has('reservations')) await closeReservation(trx, record.id, record.createdAt)
}

function toRecord(settlement: Settlement, nowMs: number): UsageRecord {
  const { reservation, outcome, latencyMs, errorClass } = settlement
  const { budgetMicroUsd: _cap, schedulerId: _scheduler, ...scope } = reservation.scope
  return {
    id: reservation.id,
    ...scope,
    providerId: reservation.providerId,
    modelId: reservation.modelId,
    ...(settlement.usage ?? unknownUsage),
    ...costOf(settlement),
    priceSource: reservation.price?.priceSource ?? null,
    priceVersion: reservation.price?.priceVersion ?? null,
    latencyMs: latencyMs === null ? null : Math.round(latencyMs),
    outcome,
    errorClass,
    createdAt: nowMs,
  }
}

/** The cost of a request, computed once and never again: later prices do not change past rows (promise 8). */
export function costOf(settlement: Settlement): Pick<UsageRecord, 'costMicroUsd' | 'boundMicroUsd' | 'source'> {
  const { reservation, errorClass, usage } = settlement
  if (reservation.providerKind === 'rehearsal') return { costMicroUsd: 0, boundMicroUsd: null, source: 'simulated' }
  if (reservation.local) return { costMicroUsd: 0, boundMicroUsd: null, source: 'local' }
  if (usage !== null) {
    const cost = priceCall(reservation.price, usage)
    if (cost !== null) return { costMicroUsd: cost, boundMicroUsd: null, source: 'measured' }
  } else if (errorClass !== null && uncharged.has(errorClass)) {
    return { costMicroUsd: 0, boundMicroUsd: null, source: 'estimated' }
  }
  return { costMicroUsd: null, boundMicroUsd: reservation.boundMicroUsd, source: 'unknown' }
}

function orphanRecord(orphan: StoredReservation, nowMs: number): UsageRecord {
  const { tokens: _tokens, schedulerId: _scheduler, createdAt: _created, boundMicroUsd, ...place } = orphan
  // A bound of zero is known to be free: a local or simulated model.
  const free = boundMicroUsd === 0
  return {
    ...place,
    ...unknownUsage,
    role: null,
    purpose: orphan.jobId === null ? 'plan' : 'job',
    costMicroUsd: free ? 0 : null,
    boundMicroUsd: free ? null : boundMicroUsd,
    source: free ? 'local' : 'unknown',
    priceSource: null,
    priceVersion: null,
    latencyMs: null,
    outcome: 'unknown',
    errorClass: 'unknown_outcome',
    createdAt: nowMs,
  }
}
