/** What every paid call needs, built once by `context.ts`. */
import type { Database } from '../database/connection.ts'
import type { TableName } from '../database/tables.ts'
import type { ErrorClass } from '../domain/error-class.ts'
import type { Choice } from '../models/model.ts'
import type { ModelWish } from '../models/model-chooser.ts'
import type { ModelClient } from '../providers/model-client.ts'
import type { Provider } from '../providers/provider.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CrashPoints } from '../runtime/crash-point.ts'
import type { Ids } from '../runtime/ids.ts'
import type { Random } from '../runtime/random.ts'
import type { SharedSettings } from './shared-settings.ts'

/** Which tables there are right now. */
export interface TableCheck {
  missing(tables: readonly TableName[]): Promise<readonly TableName[]>
}

/**
 * The tables that a transaction may use. Asked before it begins: inside it nothing but the transaction may
 * be queried.
 */
export type PresentTables = ReadonlySet<TableName>

const accountingTables = ['reservations', 'model_usage', 'projects', 'jobs'] as const

/** Which of the tables of accounting there are, and which of `more`. */
export async function presentTables(tables: TableCheck, more: readonly TableName[] = []): Promise<PresentTables> {
  const asked: readonly TableName[] = [...accountingTables, ...more]
  const missing = new Set(await tables.missing(asked))
  return new Set(asked.filter((table) => !missing.has(table)))
}

/** What is known about the health of providers and models; persisted where the table exists. */
export interface HealthBook {
  /** Epoch milliseconds until which the model must not be called, or null. */
  cooldownUntil(providerId: string, modelId: string): Promise<number | null>
  recordSuccess(providerId: string, modelId: string): Promise<void>
  recordFailure(providerId: string, modelId: string, failure: HealthFailure): Promise<void>
}

export interface HealthFailure {
  readonly errorClass: ErrorClass
  /** How long the provider told us to wait. */
  readonly retryAfterMs?: number
  readonly reason: string
}

export interface CallDeps {
  readonly database: Database
  readonly tables: TableCheck
  readonly providers: { client(provider: Provider): Promise<ModelClient> }
  readonly choose: (wish: ModelWish) => Promise<Choice>
  readonly health: HealthBook
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  /** Where results wait for their commit: per host, in the state directory. */
  readonly spoolDir: string
  /** `--allow-unpriced`: calls of unknown price may run although a budget applies. */
  readonly allowUnpriced: boolean
  /** The cap of a project that states none; the setting `budget.project_usd`. */
  readonly projectBudgetMicroUsd: number | null
  /** Limits of models that all schedulers keep to; without it there are none. */
  readonly sharedSettings?: Pick<SharedSettings, 'known' | 'lately' | 'inside'>
  /** Replaces every known secret in a text. */
  readonly redact: (text: string) => string
  /** Tells the operator once per key and process; the second call with a key does nothing. */
  readonly warnOnce: (key: string, message: string) => void
  /** For tests only. */
  readonly crashPoints?: CrashPoints
}
