/** What all schedulers share: limits, pins, cooldowns and spent budgets, and how much of each limit is in use. */
import type { SharedSettings } from '../calls/shared-settings.ts'
import type { Database } from '../database/connection.ts'
import type { Trx } from '../database/dialect/dialect.ts'
import { nothingShared, type SharedFacts } from '../database/queries/readiness-conditions.ts'
import {
  readCooldowns,
  readExhaustedProjects,
  readProviderCaps,
  readRolePins,
  type Cooldown,
} from '../database/queries/shared-load.ts'
import type { TableName } from '../database/tables.ts'
import { noLimits, type JobLimits, type Pins } from '../domain/job-limits.ts'

/** Where the shared settings and the free providers come from; built by `context.ts`. */
export interface SharedSource {
  readonly settings: SharedSettings
  /** Ids of usable providers whose calls cost nothing. */
  freeProviders(): Promise<readonly string[]>
}

export interface StandingDeps {
  readonly database: Database
  readonly tables: { missing(tables: readonly TableName[]): Promise<readonly TableName[]> }
  /** Without it nothing is limited but what stored providers limit themselves. */
  readonly shared?: SharedSource
}

/** What changes seldom: the same for a second or so. */
export interface Standing {
  readonly limits: JobLimits
  readonly pins: Pins
  readonly cooldowns: readonly Cooldown[]
  readonly exhaustedProjects: readonly string[]
  readonly freeProviders: readonly string[]
  /** Whether calls in flight are recorded. */
  readonly hasReservations: boolean
}

const askedTables = ['provider_config', 'provider_health', 'roles', 'model_usage', 'reservations'] as const

/** Reads it all; what a missing table would tell is left out. What projects have spent is taken from `known`. */
export async function readStanding(deps: StandingDeps, known: Standing | null = null): Promise<Standing> {
  const { database, shared } = deps
  const { db } = database
  const missing = new Set(await deps.tables.missing(askedTables))
  const values = await shared?.settings.known()
  const providers = missing.has('provider_config') ? new Map<string, number>() : await readProviderCaps(db)
  const roles = missing.has('roles') ? new Map<string, string>() : await readRolePins(db)
  const usualCap = values?.projectBudgetMicroUsd ?? null
  const hasUsage = !missing.has('model_usage')
  const exhaustedProjects = known?.exhaustedProjects ?? (hasUsage ? await readExhaustedProjects(db, usualCap) : [])
  return {
    limits: { ...noLimits, ...values?.limits, providers },
    pins: { roles, fallback: values?.defaultModel ?? null },
    cooldowns: missing.has('provider_health') ? [] : await readCooldowns(db, await database.now()),
    exhaustedProjects,
    freeProviders: exhaustedProjects.length === 0 || shared === undefined ? [] : await shared.freeProviders(),
    hasReservations: !missing.has('reservations'),
  }
}

/** The limits as a transaction sees them. */
export async function limitsInside(trx: Trx, standing: Standing, shared?: SharedSource): Promise<JobLimits> {
  if (shared === undefined) return standing.limits
  return { ...standing.limits, ...(await shared.settings.inside(trx)).limits }
}

/** The facts without what is in use. */
export function standingFacts({ dialect }: Pick<Database, 'dialect'>, standing: Standing): SharedFacts {
  const { pins, cooldowns, exhaustedProjects, freeProviders } = standing
  const whole = cooldowns.filter(({ modelId }) => modelId === '')
  return {
    ...nothingShared(dialect),
    cooling: {
      providers: whole.map(({ providerId }) => providerId),
      models: cooldowns.filter(({ modelId }) => modelId !== '').map((one) => `${one.providerId}/${one.modelId}`),
    },
    pins,
    exhaustedProjects,
    freeProviders,
  }
}
