/**
 * The settings that all schedulers keep to, as they are now: a limit that somebody changes while jobs run holds
 * within a second everywhere, and inside a transaction that holds `lockLimits` at once.
 */
import { parseCounts } from '../config/setting-value.ts'
import type { Settings } from '../config/settings.ts'
import type { Database } from '../database/connection.ts'
import type { Db, Trx } from '../database/dialect/dialect.ts'
import { readSettingRows } from '../database/repositories/setting-repository.ts'
import type { TableName } from '../database/tables.ts'
import type { JobLimits } from '../domain/job-limits.ts'
import { microUsdFromUsd, type MicroUsd } from '../domain/money.ts'
import type { Clock } from '../runtime/clock.ts'

/** The limits that settings state; those of providers stand in their own table. */
export type SettingLimits = Omit<JobLimits, 'providers'>

export interface SharedValues {
  readonly limits: SettingLimits
  /** The setting `models.default`. */
  readonly defaultModel: string | null
  /** The setting `budget.project_usd`. */
  readonly projectBudgetMicroUsd: MicroUsd | null
}

export interface SharedSettingsDeps {
  /** As they were when this process began. */
  readonly settings: Settings
  readonly database: Database
  readonly tables: { has(table: TableName): Promise<boolean> }
  /** Settings of a database that is not trusted do not count. */
  readonly databaseTrusted: boolean
  readonly clock: Pick<Clock, 'monotonic'>
}

const freshMs = 1000

export class SharedSettings {
  readonly #deps: SharedSettingsDeps
  #known: SharedValues
  #hasTable = false
  #readAt = Number.NEGATIVE_INFINITY

  constructor(deps: SharedSettingsDeps) {
    this.#deps = deps
    this.#known = valuesOf(deps.settings)
  }

  /** At most a second old. Not for the inside of a transaction. */
  async known(): Promise<SharedValues> {
    const { clock, database, tables, databaseTrusted } = this.#deps
    if (clock.monotonic() - this.#readAt < freshMs) return this.#known
    this.#hasTable = databaseTrusted && (await tables.has('orchestrator_config'))
    if (this.#hasTable) this.#known = await this.#read(database.db)
    this.#readAt = clock.monotonic()
    return this.#known
  }

  /** As the last `known` found them. */
  get lately(): SharedValues {
    return this.#known
  }

  /** As the transaction sees them. */
  async inside(trx: Trx): Promise<SharedValues> {
    return this.#hasTable ? this.#read(trx) : this.#known
  }

  async #read(db: Db | Trx): Promise<SharedValues> {
    return valuesOf(this.#deps.settings.withDatabase(await readSettingRows(db)))
  }
}

function valuesOf(settings: Settings): SharedValues {
  const usd = settings.get('budget.project_usd')
  return {
    limits: {
      jobs: settings.get('limits.jobs'),
      roles: parseCounts(settings.get('limits.roles')),
      models: parseCounts(settings.get('limits.models')),
    },
    defaultModel: settings.get('models.default'),
    projectBudgetMicroUsd: usd === null ? null : microUsdFromUsd(usd),
  }
}
