/**
 * Why a blocked or ready job may not start, one predicate each. Claiming demands that none holds;
 * `jobs why` asks each of them: one definition for both. Every predicate is true or false, never null.
 */
import { sql, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely'
import type { Tables } from '../tables.ts'

export interface ReadinessFacts {
  /** By the database's clock. */
  readonly now: number
  /** Whether this database may give approvals on this machine. */
  readonly databaseTrusted: boolean
  /** Projects whose workspace this host cannot reach. */
  readonly unreachableProjects: readonly string[]
}

type Predicate = (eb: ExpressionBuilder<Tables, 'jobs' | 'projects'>, facts: ReadinessFacts) => Expression<SqlBool>

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
} as const satisfies Record<string, Predicate>

export type ReadinessCondition = keyof typeof readinessConditions

export const readinessConditionNames = Object.keys(readinessConditions) as ReadinessCondition[]

/** Conditions that time alone ends. */
export const passingConditions = ['waiting', 'backoff'] as const satisfies readonly ReadinessCondition[]

/** True where none of the conditions holds. */
export function startable(
  eb: ExpressionBuilder<Tables, 'jobs' | 'projects'>,
  facts: ReadinessFacts,
  ignoring: readonly ReadinessCondition[] = [],
): Expression<SqlBool> {
  return eb.and(
    readinessConditionNames
      .filter((name) => !ignoring.includes(name))
      .map((name) => eb.not(readinessConditions[name](eb, facts))),
  )
}
