/**
 * Why a blocked or ready job may not start, one predicate each. Claiming demands that none holds;
 * `jobs why`, `jobs list` and `jobs run --dry-run` ask each of them: one definition for all. Every predicate
 * is true or false, never null.
 */
import { sql, type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool } from 'kysely'
import { noPins, type FullKeys, type Pins } from '../../domain/job-limits.ts'
import type { Dialect } from '../dialect/dialect.ts'
import type { Tables } from '../tables.ts'

export interface ReadinessFacts {
  /** By the database's clock. */
  readonly now: number
  /** Whether this database may give approvals on this machine. */
  readonly databaseTrusted: boolean
  /** Projects whose workspace this host cannot reach. */
  readonly unreachableProjects: readonly string[]
  /** What jobs share; without it nothing is limited, cooling down, exhausted or locked. */
  readonly shared?: SharedFacts
}

/** What is used up, or closed for a while, for all schedulers. */
export interface SharedFacts {
  /** Limits that leave no room. */
  readonly full: FullKeys
  /** What cools down: a job that is sure to call it would only wait. */
  readonly cooling: ModelTargets
  /** Whose model is pinned besides the plan's own pins. */
  readonly pins: Pins
  /** Projects that have spent their budget. */
  readonly exhaustedProjects: readonly string[]
  /** Providers whose calls cost nothing, which an exhausted budget does not stop. */
  readonly freeProviders: readonly string[]
  /** The exclusion keys (`exclusionKey`) of jobs whose locks others hold. */
  readonly lockedOut: readonly string[]
  readonly jsonText: Dialect['jsonText']
}

/** Facts of a database where nothing is limited, closed or locked. */
export function nothingShared({ jsonText }: Pick<Dialect, 'jsonText'>): SharedFacts {
  return {
    full: { jobs: false, roles: [], providers: [], models: [] },
    cooling: { providers: [], models: [] },
    pins: noPins,
    exhaustedProjects: [],
    freeProviders: [],
    lockedOut: [],
    jsonText,
  }
}

/** Models by provider id, all of them, and by `provider/model`. */
export interface ModelTargets {
  readonly providers: readonly string[]
  readonly models: readonly string[]
}

type Builder = ExpressionBuilder<Tables, 'jobs' | 'projects'>
type Predicate = (eb: Builder, facts: ReadinessFacts) => Expression<SqlBool>

const always = sql<SqlBool>`1 = 1`
const never = sql<SqlBool>`1 = 0`

export const readinessConditions = {
  untrusted: (_eb, facts) => (facts.databaseTrusted ? never : always),
  projectCancelled: (eb) => eb('projects.status', '=', 'cancelled'),
  projectPaused: (eb) => eb('projects.status', '=', 'paused'),
  notApproved: (eb) =>
    eb.or([
      eb('projects.status', '=', 'draft'),
      eb('projects.approved_hash', 'is', null),
      // Null-safe: the comparison alone is null where nothing is approved.
      eb.and([
        eb('projects.approved_hash', 'is not', null),
        eb('projects.approved_hash', '<>', eb.ref('projects.plan_hash')),
      ]),
    ]),
  quarantined: (eb) => eb.and([eb('jobs.hold', 'is not', null), eb('jobs.hold', '=', 'quarantine')]),
  held: (eb) => eb.and([eb('jobs.hold', 'is not', null), eb('jobs.hold', '<>', 'quarantine')]),
  dependencies: (eb) => eb('jobs.state', '=', 'blocked'),
  waiting: (eb, facts) => eb.and([eb('jobs.waits_for', 'is not', null), eb('jobs.run_at', '>', facts.now)]),
  backoff: (eb, facts) => eb.and([eb('jobs.waits_for', 'is', null), eb('jobs.run_at', '>', facts.now)]),
  workspaceUnreachable: (eb, facts) =>
    facts.unreachableProjects.length === 0 ? never : eb('projects.id', 'in', facts.unreachableProjects),
  overBudget: (eb, { shared }) => {
    if (shared === undefined || shared.exhaustedProjects.length === 0) return never
    const free = { providers: shared.freeProviders, models: [] }
    return eb.and([
      eb('jobs.project_id', 'in', shared.exhaustedProjects),
      eb('jobs.executor', '<>', 'command'),
      eb.not(pinnedTo(eb, shared, free)),
      // What pins nothing may get a free model, where there is one.
      ...(shared.freeProviders.length === 0 ? [] : [isPinned(eb, shared)]),
    ])
  },
  providerCooling: (eb, { shared }) => (shared === undefined ? never : pinnedTo(eb, shared, shared.cooling)),
  jobLimit: (_eb, { shared }) => (shared?.full.jobs === true ? always : never),
  roleLimit: (eb, { shared }) =>
    shared === undefined || shared.full.roles.length === 0
      ? never
      : eb.and([eb('jobs.role', 'is not', null), eb('jobs.role', 'in', shared.full.roles)]),
  providerLimit: (eb, { shared }) =>
    shared === undefined ? never : pinnedTo(eb, shared, { providers: shared.full.providers, models: [] }),
  modelLimit: (eb, { shared }) =>
    shared === undefined ? never : pinnedTo(eb, shared, { providers: [], models: shared.full.models }),
  lockTaken: (eb, { shared }) =>
    shared === undefined || shared.lockedOut.length === 0
      ? never
      : eb(exclusionKey(shared.jsonText), 'in', shared.lockedOut),
} as const satisfies Record<string, Predicate>

export type ReadinessCondition = keyof typeof readinessConditions

export const readinessConditionNames = Object.keys(readinessConditions) as ReadinessCondition[]

/** Conditions that time alone ends. */
export const passingConditions = ['waiting', 'backoff'] as const satisfies readonly ReadinessCondition[]

/** True where none of the conditions holds. */
export function startable(
  eb: Builder,
  facts: ReadinessFacts,
  ignoring: readonly ReadinessCondition[] = [],
): Expression<SqlBool> {
  return eb.and(
    readinessConditionNames
      .filter((name) => !ignoring.includes(name))
      .map((name) => readinessConditions[name](eb, facts))
      .filter((condition) => condition !== never)
      .map((condition) => eb.not(condition)),
  )
}

/**
 * The same text for jobs that exclude the same others: everything that decides a job's locks, its project's
 * workspace included. Jobs that share a key are locked out together, so one text excludes them all.
 */
export function exclusionKey(jsonText: Dialect['jsonText']): RawBuilder<string> {
  const part = (member: string) => sql`coalesce(${jsonText('jobs.spec', member)}, '')`
  const parts = sql.join(['locks', 'writes', 'deliverables'].map(part), sql` || '|' || `)
  return sql<string>`(jobs.project_id || '|' || jobs.executor || '|' || ${parts})`
}

/** Whether the model of a job is pinned: by its plan, else by its role, else for all. */
function isPinned(eb: Builder, { pins, jsonText }: SharedFacts): Expression<SqlBool> {
  if (pins.fallback !== null) return eb('jobs.executor', '<>', 'command')
  const own = sql<SqlBool>`${jsonText('jobs.spec', 'model')} is not null`
  const byRole = roleIn(eb, [...pins.roles.keys()])
  return eb.and([eb('jobs.executor', '<>', 'command'), eb.or([own, byRole])])
}

/** Whether a job is sure to call one of the models: `domain/job-limits.ts` says the same as `pinOf`. */
function pinnedTo(eb: Builder, { pins, jsonText }: SharedFacts, targets: ModelTargets): Expression<SqlBool> {
  if (targets.providers.length + targets.models.length === 0) return never
  const model = jsonText('jobs.spec', 'model')
  const fits = (pin: string) =>
    targets.models.includes(pin) || targets.providers.some((id) => pin === id || pin.startsWith(`${id}/`))
  const pinned = [...pins.roles.keys()]
  const own = sql<SqlBool>`coalesce(${sql.join(
    [
      ...targets.models.map((name) => sql`${model} = ${name}`),
      ...targets.providers.map((id) => sql`(${model} = ${id} or substr(${model}, 1, ${id.length + 1}) = ${`${id}/`})`),
    ],
    sql` or `,
  )}, 1 = 0)`
  const byRole = roleIn(
    eb,
    [...pins.roles].filter(([, pin]) => fits(pin)).map(([role]) => role),
  )
  const byAll = pins.fallback === null || !fits(pins.fallback) ? never : eb.not(roleIn(eb, pinned))
  return eb.and([
    eb('jobs.executor', '<>', 'command'),
    eb.or([own, eb.and([sql<SqlBool>`${model} is null`, eb.or([byRole, byAll])])]),
  ])
}

function roleIn(eb: Builder, roles: readonly string[]): Expression<SqlBool> {
  if (roles.length === 0) return never
  return eb.and([eb('jobs.role', 'is not', null), eb('jobs.role', 'in', roles)])
}
