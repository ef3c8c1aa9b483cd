/** What is under way now over all schedulers, and what is closed for a while. Short lists: as many rows as jobs run. */
import { sql } from 'kysely'
import type { LimitedJob } from '../../domain/job-limits.ts'
import type { MicroUsd } from '../../domain/money.ts'
import type { Db, Dialect, Trx } from '../dialect/dialect.ts'

/** A job that runs, and what it counts against. */
export interface RunningJob extends LimitedJob {
  readonly id: string
}

/** Every running job. */
export async function readRunningJobs(db: Db | Trx, { jsonText }: Pick<Dialect, 'jsonText'>): Promise<RunningJob[]> {
  return db
    .selectFrom('jobs')
    .select(['jobs.id', 'jobs.role', 'jobs.executor', jsonText('jobs.spec', 'model').as('model')])
    .where('jobs.state', '=', sql.lit('running'))
    .execute()
}

export interface CallLoad {
  readonly providerId: string
  readonly modelId: string
  readonly calls: number
}

/**
 * Calls in flight by model, over all schedulers: those outside jobs, and those of attempts that own their job.
 * A call whose sender was declared dead is not in flight, although its money stays reserved until it is settled.
 */
export async function readCallLoad(db: Db | Trx, providerId?: string): Promise<CallLoad[]> {
  const open = openCalls(db, providerId)
    .leftJoin('jobs', 'jobs.id', 'reservations.job_id')
    .where((eb) =>
      eb.or([
        eb('reservations.job_id', 'is', null),
        eb.and([
          eb('jobs.state', '=', 'running'),
          eb('jobs.attempt', '=', eb.fn.coalesce('reservations.attempt', eb.ref('jobs.attempt'))),
        ]),
      ]),
    )
  return toLoad(await open.execute())
}

/** The same where there is no table of jobs: who is dead cannot be told then, so every call that is not settled counts. */
export async function readCallLoadWithoutJobs(db: Db | Trx, providerId: string): Promise<CallLoad[]> {
  return toLoad(await openCalls(db, providerId).execute())
}

function openCalls(db: Db | Trx, providerId: string | undefined) {
  const query = db
    .selectFrom('reservations')
    .select((eb) => [
      'reservations.provider_id as providerId',
      'reservations.model_id as modelId',
      eb.fn.countAll<number>().as('calls'),
    ])
    .where('reservations.settled_at', 'is', null)
    .groupBy(['reservations.provider_id', 'reservations.model_id'])
  return providerId === undefined ? query : query.where('reservations.provider_id', '=', providerId)
}

function toLoad(rows: readonly CallLoad[]): CallLoad[] {
  return rows.map((row) => ({ ...row, calls: Number(row.calls) }))
}

/** The models that roles pin, by role. */
export async function readRolePins(db: Db): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom('roles').select(['id', 'model_pin']).where('model_pin', 'is not', null).execute()
  return new Map(rows.flatMap(({ id, model_pin: pin }) => (pin === null ? [] : [[id, pin]])))
}

/** How many calls stored providers take at once, by id. A simulated model takes any number. */
export async function readProviderCaps(db: Db | Trx): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('provider_config')
    .select(['id', 'max_concurrency'])
    .where('max_concurrency', 'is not', null)
    .where('kind', '<>', 'rehearsal')
    .execute()
  return new Map(rows.flatMap(({ id, max_concurrency: cap }) => (cap === null ? [] : [[id, cap]])))
}

export interface Cooldown {
  readonly providerId: string
  /** Empty for the whole provider. */
  readonly modelId: string
  readonly untilMs: number
  readonly reason: string | null
}

/** What may not be called yet. */
export async function readCooldowns(db: Db, now: number): Promise<readonly Cooldown[]> {
  const rows = await db
    .selectFrom('provider_health')
    .select(['provider_id', 'model_id', 'cooldown_until', 'reason'])
    .where('cooldown_until', '>', now)
    .orderBy('provider_id')
    .orderBy('model_id')
    .execute()
  return rows.flatMap((row) =>
    row.cooldown_until === null
      ? []
      : [{ providerId: row.provider_id, modelId: row.model_id, untilMs: row.cooldown_until, reason: row.reason }],
  )
}

/** Active projects whose spending has reached their cap, or the usual cap where they state none. */
export async function readExhaustedProjects(db: Db, usualCapMicroUsd: MicroUsd | null): Promise<readonly string[]> {
  const cap = sql`coalesce(projects.budget_micro_usd, cast(${usualCapMicroUsd} as bigint))`
  const spent = sql`(
    select coalesce(sum(coalesce(model_usage.cost_micro_usd, model_usage.bound_micro_usd, 0)), 0) from model_usage
    where model_usage.project_id = projects.id and model_usage.source <> 'simulated')`
  const rows = await db
    .selectFrom('projects')
    .select('projects.id')
    .where('projects.status', '=', 'active')
    .where(sql<boolean>`${cap} is not null and ${spent} >= ${cap}`)
    .orderBy('projects.id')
    .execute()
  return rows.map((row) => row.id)
}
