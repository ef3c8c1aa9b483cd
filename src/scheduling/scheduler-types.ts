import type { Database } from '../database/connection.ts'
import type { OutageCause } from '../database/dialect/outage-cause.ts'
import type { FinishReport } from '../database/queries/finish.ts'
import type { ClaimedJob } from '../database/queries/claim.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import type { TableName } from '../database/tables.ts'
import type { Attempt, Outcome } from '../execution/attempt.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CrashPoints } from '../runtime/crash-point.ts'
import type { Ids } from '../runtime/ids.ts'
import type { Random } from '../runtime/random.ts'
import type { ProcessIdentity } from '../workspace/process-identity.ts'
import type { Heartbeat, HeartbeatOptions } from './heartbeat-thread.ts'
import type { RetryPolicy } from './outcome-transition.ts'
import type { SharedSource } from './standing.ts'

/** The part of Capabilities that the scheduler asks. */
export interface TableSource {
  missing(tables: readonly TableName[]): Promise<readonly TableName[]>
  refresh(): void
}

export interface SchedulerDeps {
  readonly database: Database
  readonly tables: TableSource
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  /** Runs one attempt to its outcome. Stops when `attempt.signal` is aborted. */
  readonly execute: (attempt: Attempt) => Promise<Outcome>
  /** Who this process is. */
  readonly identity: ProcessIdentity
  /** Whether a process lives; null where this host cannot know. */
  readonly isAlive: (identity: ProcessIdentity) => boolean | null
  /** Whether this host can work in the workspace. */
  readonly canReach: (workspace: string) => boolean
  /** Ends what an abandoned attempt left running on this host, before its job starts again. */
  readonly killRemains: (jobId: string, attempt: number) => Promise<void>
  readonly notify: (event: SchedulerEvent) => void
  /** Limits and budgets from the settings; without it there are none but the providers' own. */
  readonly shared?: SharedSource
  /** Results that processes of this host received and did not commit; none in a rehearsal. */
  readonly spooled?: SpooledResults
  /** Renews leases on a thread of its own; without it the main loop renews. */
  readonly startHeartbeat?: (options: HeartbeatOptions) => Heartbeat
  /** For tests only. */
  readonly crashPoints?: CrashPoints
}

/** See `execution/spooled-results.ts`. */
export interface SpooledResults {
  /** Commits what attempts that are about to be given back had in hand. */
  settle(attempts: readonly AttemptKey[]): Promise<unknown>
  /** Takes away what nobody will ask for. */
  sweep(): Promise<void>
}

export interface SchedulerOptions {
  /** Jobs at once. */
  readonly concurrency: number
  /** Only this project; null for all. */
  readonly projectSlug: string | null
  readonly leaseMs: number
  /** Whether the database may give approvals on this machine. */
  readonly databaseTrusted: boolean
  readonly version: string
  readonly retryPolicy?: RetryPolicy
}

/** What one pass did. */
export interface TickCounts {
  /** Attempts whose end was written, or refused by the fence. */
  readonly settled: number
  readonly rescued: number
  readonly woken: number
  readonly claimed: number
  /** Attempts in progress after the pass. */
  readonly running: number
  /** Nothing stands in line or runs, here or elsewhere: only time, or somebody's commit, brings work. */
  readonly quiet: boolean
}

/** What happens, for whoever watches. */
export type SchedulerEvent =
  | { readonly kind: 'started'; readonly claimed: ClaimedJob; readonly atMs: number }
  | {
      readonly kind: 'ended'
      readonly claimed: ClaimedJob
      readonly outcome: Outcome
      /** Null where the attempt was lost before its end could be written. */
      readonly report: FinishReport | null
      readonly durationMs: number
    }
  | { readonly kind: 'rescued'; readonly report: FinishReport }
  | { readonly kind: 'warning'; readonly message: string; readonly hint: string | null }
  | { readonly kind: 'tables_missing'; readonly tables: readonly TableName[] }
  | { readonly kind: 'tables_found' }
  | { readonly kind: 'outage'; readonly cause: OutageCause; readonly message: string }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'draining'; readonly running: number }
  | { readonly kind: 'stopping'; readonly running: number }
