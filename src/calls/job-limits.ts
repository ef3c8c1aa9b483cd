/** The watchdog over what one job consumes, in all its tries together, whatever its project may spend. */
import { readJobReserved, readJobSpend, type JobSpend } from '../database/queries/job-spend.ts'
import type { Trx } from '../database/dialect/dialect.ts'
import { formatMicroUsd, type MicroUsd } from '../domain/money.ts'
import type { CallDeps, PresentTables } from './call-deps.ts'
import { tokensOf, type Admission, type AdmissionRequest } from './reservation.ts'

/** A bound with where it comes from. One that somebody stated is kept to the letter, or nothing is spent. */
export interface Limit {
  readonly most: number
  /** Not a default: the operator set it. */
  readonly stated: boolean
}

/** Bounds of one job over all its tries. */
export interface JobLimits {
  /** Input and output tokens; the setting `limits.job_tokens`. */
  readonly tokens: Limit
  /** Micro-dollars; the setting `limits.job_usd`. */
  readonly microUsd: Limit
}

interface LimitDeps extends Pick<CallDeps, 'allowUnpriced' | 'warnOnce'> {
  readonly present: PresentTables
}

interface LimitedCall {
  readonly request: AdmissionRequest
  readonly limits: JobLimits
  /** The most the call can cost; null where its price is unknown, 0 where it is free. */
  readonly boundMicroUsd: MicroUsd | null
}

/**
 * Null where the call fits: what the job used, and what this call can use at most, stay within its limits. Without
 * the tables that count, or without a price, a stated limit refuses the call and a default one is named as not kept.
 */
export async function checkJobLimits(trx: Trx, deps: LimitDeps, call: LimitedCall): Promise<Admission | null> {
  const { jobId, projectId } = call.request.scope
  if (jobId === null || projectId === null) return null
  const missing = (['model_usage', 'reservations'] as const).find((table) => !deps.present.has(table))
  const refused = missing === undefined ? null : withoutTable(deps, call, missing)
  // Without usage nothing is known; without reservations only calls in flight are not.
  if (refused !== null || missing === 'model_usage') return refused
  const unpriced = call.boundMicroUsd === null && !deps.allowUnpriced ? withoutPrice(deps, call) : null
  if (unpriced !== null) return unpriced
  const spend = await readJobSpend(trx, { jobId, projectId })
  if (spend.uncounted > 0) {
    const { name } = call.request.model
    deps.warnOnce(
      `tokens of ${name}`,
      `${name} does not say how many tokens it took: limits.job_tokens counts them as none`,
    )
  }
  const reserved = missing === undefined ? await readJobReserved(trx, jobId) : 0
  return checkTokens(call, spend) ?? checkMoney(call, spend, reserved)
}

function withoutTable({ warnOnce }: LimitDeps, { limits, boundMicroUsd }: LimitedCall, table: string) {
  const stated = statedSettings(limits, boundMicroUsd)
  if (stated.length === 0) {
    const consequence = 'limits.job_tokens and limits.job_usd cannot be kept'
    if (table === 'model_usage') warnOnce('job limits', `Without the table model_usage ${consequence}`)
    return null
  }
  return {
    kind: 'refused',
    by: 'accounting',
    reason: `${stated.join(' and ')} is set, and without the table ${table} orch cannot keep to it`,
    hint: 'Run `orch db migrate`',
  } as const
}

function withoutPrice({ warnOnce }: LimitDeps, { request, limits }: LimitedCall) {
  const { name } = request.model
  if (!limits.microUsd.stated) {
    warnOnce(`price of ${name}`, `The price of ${name} is unknown: limits.job_usd cannot be kept for it`)
    return null
  }
  return {
    kind: 'refused',
    by: 'unpriced',
    reason: `the price of ${name} is unknown, and limits.job_usd (${formatMicroUsd(limits.microUsd.most)}) must hold`,
    hint: 'Give the model a price, choose another model, or allow it with --allow-unpriced',
  } as const
}

/** The settings that were stated and that this call could break. */
function statedSettings({ tokens, microUsd }: JobLimits, boundMicroUsd: MicroUsd | null): readonly string[] {
  return [
    ...(tokens.stated ? ['limits.job_tokens'] : []),
    ...(microUsd.stated && boundMicroUsd !== 0 ? ['limits.job_usd'] : []),
  ]
}

function checkTokens({ request, limits }: LimitedCall, { tokens }: JobSpend): Admission | null {
  const { most } = limits.tokens
  const next = tokensOf(request)
  if (tokens + next <= most) return null
  return {
    kind: 'refused',
    by: 'job_tokens',
    reason: `the job would pass its ${most} tokens (limits.job_tokens): ${tokens} used in all its tries, this call about ${next}`,
    hint: goOn('limits.job_tokens'),
  }
}

function checkMoney({ limits, boundMicroUsd }: LimitedCall, { spent }: JobSpend, reserved: MicroUsd): Admission | null {
  const { most } = limits.microUsd
  const next = boundMicroUsd ?? 0
  // A free call passes even where the limit is spent already.
  if (boundMicroUsd === 0 || spent + reserved + next <= most) return null
  const inFlight = reserved === 0 ? '' : `${formatMicroUsd(reserved)} in flight, `
  const figures = `${formatMicroUsd(spent)} spent in all its tries, ${inFlight}this call <= ${formatMicroUsd(boundMicroUsd)}`
  const reason = `the job would pass its ${formatMicroUsd(most)} (limits.job_usd): ${figures}`
  // A call in flight belongs to an attempt that ended; it is settled soon, and usually below its bound.
  if (reserved > 0 && spent + next <= most) return { kind: 'busy', by: 'budget', retryInMs: 500, reason }
  return { kind: 'refused', by: 'job_money', reason, hint: goOn('limits.job_usd') }
}

function goOn(setting: string): string {
  return `Raise it with \`orch config set ${setting} <number>\`; then \`orch jobs retry <job> --continue\` goes on where it stopped, with nothing bought again`
}
