import type { Database } from '../database/connection.ts'
import type { TableName } from '../database/tables.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Ids } from '../runtime/ids.ts'
import type { ProcessIdentity } from '../workspace/process-identity.ts'
import type { SharedSource } from './standing.ts'

/** What the features behind `orch jobs` need of their surroundings. */
export interface JobsDeps {
  readonly database: Database
  readonly tables: {
    has(table: TableName): Promise<boolean>
    missing(tables: readonly TableName[]): Promise<readonly TableName[]>
    /** For what writes. */
    require(tables: readonly TableName[], neededFor: string): Promise<void>
    requireToRead(tables: readonly TableName[], neededFor: string): Promise<void>
    /** Migrations of a newer orch in this database. */
    newer(): Promise<readonly string[]>
    refresh(): void
    /** For what only reads: a database of a newer orch can be read. */
    requireToRead(tables: readonly TableName[], neededFor: string): Promise<void>
  }
  readonly ids: Ids
  readonly clock: Clock
  readonly databaseTrusted: boolean
  /** Whether this host can work in the workspace. */
  readonly canReach: (workspace: string) => boolean
  /** Limits and budgets from the settings; without it there are none but the providers' own. */
  readonly shared?: SharedSource
  /** Whether a process lives; null where this host cannot know. */
  readonly isAlive?: (identity: ProcessIdentity) => boolean | null
  /** How long a silent scheduler keeps its jobs; default 20 s. */
  readonly leaseMs?: number
}
