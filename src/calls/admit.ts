import type { Trx } from '../database/dialect/dialect.ts'
import { currentBudget, readProjectSpend } from '../database/queries/project-budget.ts'
import { readCallLoad, readCallLoadWithoutJobs } from '../database/queries/shared-load.ts'
import { inFlightAt, insertReservation } from '../database/repositories/reservation-repository.ts'
import { sentSince } from '../database/repositories/usage-repository.ts'
import type { TableName } from '../database/tables.ts'
import { formatMicroUsd, type MicroUsd } from '../domain/money.ts'
import { boundCall, placePrice } from '../models/pricing.ts'
import type { Price, Model } from '../models/model.ts'
import type { Provider } from '../providers/provider.ts'
import { settleAbandoned } from './settle.ts'
import type { CallDeps, PresentTables } from './call-deps.ts'
import { checkJobLimits, type JobLimits } from './job-limits.ts'
import { tokensOf, type Admission, type AdmissionRequest, type Reservation } from './reservation.ts'

/** What admission needs: `present` tells the tables the transaction may use. */
export interface AdmitDeps extends Pick<
  CallDeps,
  'database' | 'clock' | 'ids' | 'allowUnpriced' | 'projectBudgetMicroUsd' | 'warnOnce' | 'sharedSettings'
> {
  readonly present: PresentTables
  /** Further tables without which nothing may be spent where a budget or limit is in force: a job's journal. */
  readonly alsoNeeded?: readonly TableName[]
  /** Bounds of the job that the call is for. */
  readonly jobLimits?: JobLimits
}

const ledgerTables = ['reservations', 'model_usage'] as const
const minuteMs = 60_000

/** The price that applies to a model: where it runs first, then what its specs say. */
function priceOf(model: Model): Price | null {
  return placePrice(model.provider) ?? model.specs.price?.value ?? null
}

/**
 * Admits one request in the caller's transaction: afterwards spent + reserved <= cap (promise 7), and
 * the provider's own limits hold. Writes the reservation row, which whoever sends the request settles.
 * Needs `reservations` and `model_usage` only where a budget or a limit is in force.
 */
export async function admit(trx: Trx, deps: AdmitDeps, request: AdmissionRequest): Promise<Admission> {
  const price = priceOf(request.model)
  const boundMicroUsd = boundCall(price, request.size)
  const cap = await capOf(trx, deps, request)
  const limited = hasLimits(request.model.provider) || isLimitedModel(deps, request.model)
  const missing = [...ledgerTables, ...(deps.alsoNeeded ?? [])].find((table) => !deps.present.has(table))

  const budgeted = cap !== null && boundMicroUsd !== 0
  if ((budgeted || limited) && missing !== undefined) return tableMissing(missing)
  if (budgeted && boundMicroUsd === null && !deps.allowUnpriced) return unpriced(request.model, cap)
  if (budgeted || limited) await deps.database.dialect.lockLimits(trx)
  const money = { cap, boundMicroUsd, budgeted, limited }
  const obstacle = await findObstacle(trx, deps, { request, money })
  if (obstacle !== null) {
    // What is in the way may belong to a sender that died.
    const freed = await settleAbandoned(trx, deps)
    const left = freed === 0 ? obstacle : await findObstacle(trx, deps, { request, money })
    if (left !== null) return left
  }
  const reservation = makeReservation(deps, request, { price, boundMicroUsd })
  if (deps.present.has('reservations')) await store(trx, deps, { request, reservation })
  return { kind: 'admitted', reservation }
}

/** Admits a call to a simulated model, which costs nothing and has no limits, without touching the database. */
export function simulatedAdmission(deps: Pick<AdmitDeps, 'ids'>, request: AdmissionRequest): Admission {
  const money = { price: priceOf(request.model), boundMicroUsd: 0 }
  return { kind: 'admitted', reservation: makeReservation(deps, request, money) }
}

interface Money {
  readonly cap: MicroUsd | null
  readonly boundMicroUsd: MicroUsd | null
  readonly budgeted: boolean
  readonly limited: boolean
}

async function findObstacle(
  trx: Trx,
  deps: AdmitDeps,
  { request, money }: { readonly request: AdmissionRequest; readonly money: Money },
): Promise<Admission | null> {
  const { cap, boundMicroUsd, budgeted, limited } = money
  const busy = limited ? await checkLimits(trx, deps, request) : null
  if (busy !== null) return busy
  const capped = budgeted && cap !== null && boundMicroUsd !== null
  const refused = capped ? await checkBudget(trx, request, { cap, boundMicroUsd }) : null
  if (refused !== null || deps.jobLimits === undefined) return refused
  return checkJobLimits(trx, deps, { request, limits: deps.jobLimits, boundMicroUsd })
}

async function capOf(trx: Trx, deps: AdmitDeps, { scope }: AdmissionRequest): Promise<MicroUsd | null> {
  if (scope.projectId === null || !deps.present.has('projects')) return scope.budgetMicroUsd
  const current = await currentBudget(trx, scope.projectId)
  return (current === undefined ? scope.budgetMicroUsd : current) ?? deps.projectBudgetMicroUsd
}

function hasLimits(provider: Provider): boolean {
  return provider.maxConcurrency !== null || provider.requestsPerMinute !== null || provider.tokensPerMinute !== null
}

/** By what is known lately: callers ask `sharedSettings.known` before they open the transaction. */
function isLimitedModel({ sharedSettings }: AdmitDeps, { name }: Model): boolean {
  return sharedSettings?.lately.limits.models.has(name) === true
}

function tableMissing(table: TableName): Admission {
  return {
    kind: 'refused',
    by: 'accounting',
    reason: `a budget or limit is in force, and without the table ${table} orch cannot keep to it`,
    hint: 'Run `orch db migrate`',
  }
}

function unpriced(model: Model, cap: MicroUsd | null): Admission {
  return {
    kind: 'refused',
    by: 'unpriced',
    reason: `the price of ${model.name} is unknown, and the budget of ${formatMicroUsd(cap)} must hold`,
    hint: 'Give the model a price, choose another model, or allow it with --allow-unpriced',
  }
}

async function checkBudget(
  trx: Trx,
  { scope }: AdmissionRequest,
  { cap, boundMicroUsd }: { cap: MicroUsd; boundMicroUsd: MicroUsd },
): Promise<Admission | null> {
  const { spent, reserved } =
    scope.projectId === null ? { spent: 0, reserved: 0 } : await readProjectSpend(trx, scope.projectId)
  if (spent + reserved + boundMicroUsd <= cap) return null
  const figures = `${formatMicroUsd(spent)} spent, ${formatMicroUsd(reserved)} in flight, this call <= ${formatMicroUsd(boundMicroUsd)}, cap ${formatMicroUsd(cap)}`
  // Calls in flight usually cost less than their bound, so what does not fit now may fit when they are settled.
  if (reserved > 0 && spent + boundMicroUsd <= cap) {
    return {
      kind: 'busy',
      by: 'budget',
      retryInMs: 500,
      reason: `waits for calls in flight: ${figures}`,
    }
  }
  return {
    kind: 'refused',
    by: 'budget',
    reason: `the budget does not allow the call: ${figures}`,
    hint: 'Raise the budget of the project to go on',
  }
}

async function checkLimits(trx: Trx, deps: AdmitDeps, request: AdmissionRequest): Promise<Admission | null> {
  const { provider } = request.model
  const full = await checkCallsInFlight(trx, deps, request.model)
  if (full !== null) return full
  if (provider.requestsPerMinute === null && provider.tokensPerMinute === null) return null
  const inFlight = await inFlightAt(trx, provider.id)
  const nowMs = deps.clock.now()
  const sent = await sentSince(trx, provider.id, nowMs - minuteMs)
  const freeInMs = sent.oldestMs === null ? 1000 : Math.max(250, sent.oldestMs + minuteMs - nowMs)
  if (provider.requestsPerMinute !== null && sent.calls + inFlight.calls >= provider.requestsPerMinute) {
    return busy(freeInMs, `${provider.id} allows ${provider.requestsPerMinute} requests per minute`)
  }
  const used = sent.tokens + inFlight.tokens
  // A request larger than the whole bucket goes alone rather than never.
  if (provider.tokensPerMinute !== null && used > 0 && used + tokensOf(request) > provider.tokensPerMinute) {
    return busy(freeInMs, `${provider.id} allows ${provider.tokensPerMinute} tokens per minute`)
  }
  return null
}

/**
 * Calls in flight of the provider and of the model, over all schedulers. Those of a sender that was declared dead are
 * not in flight: they hold no place, although their bound stays reserved.
 */
async function checkCallsInFlight(trx: Trx, deps: AdmitDeps, model: Model): Promise<Admission | null> {
  const { maxConcurrency } = model.provider
  const limits = isLimitedModel(deps, model) ? (await deps.sharedSettings?.inside(trx))?.limits : undefined
  const modelCap = limits?.models.get(model.name) ?? null
  if (maxConcurrency === null && modelCap === null) return null
  const read = deps.present.has('jobs') ? readCallLoad : readCallLoadWithoutJobs
  const load = await read(trx, model.provider.id)
  const all = load.reduce((sum, { calls }) => sum + calls, 0)
  if (maxConcurrency !== null && all >= maxConcurrency) {
    return busy(250, `${model.provider.id} has ${all} calls in flight, its limit`)
  }
  const own = load.find(({ modelId }) => modelId === model.modelId)?.calls ?? 0
  return modelCap === null || own < modelCap ? null : busy(250, `${model.name} has ${own} calls in flight, its limit`)
}

function busy(retryInMs: number, reason: string): Admission {
  return { kind: 'busy', by: 'rate', retryInMs, reason }
}

function makeReservation(
  deps: Pick<AdmitDeps, 'ids'>,
  { scope, model }: AdmissionRequest,
  money: Pick<Reservation, 'price' | 'boundMicroUsd'>,
): Reservation {
  return {
    id: deps.ids.next(),
    scope,
    providerId: model.provider.id,
    providerKind: model.provider.kind,
    local: model.provider.local,
    modelId: model.modelId,
    ...money,
  }
}

async function store(
  trx: Trx,
  deps: AdmitDeps,
  { request, reservation }: { request: AdmissionRequest; reservation: Reservation },
): Promise<void> {
  const { projectId, jobId, errandId, attempt, schedulerId } = reservation.scope
  await insertReservation(trx, {
    id: reservation.id,
    projectId,
    jobId,
    errandId,
    attempt,
    schedulerId,
    providerId: reservation.providerId,
    modelId: reservation.modelId,
    boundMicroUsd: reservation.boundMicroUsd,
    tokens: tokensOf(request),
    createdAt: deps.clock.now(),
  })
}
