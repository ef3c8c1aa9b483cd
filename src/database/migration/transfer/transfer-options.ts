import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import type { SchedulerInstance } from '../../repositories/scheduler-instance-repository.ts'
import type { Migration } from '../migration.ts'

export interface TransferOptions {
  /** The address of the database that is moved. It is only read. */
  readonly from: string
  /** The address of the database that it is moved to; on another engine. */
  readonly to: string
  /** The schema of whichever of the two has schemas. */
  readonly schema?: string
  readonly migrations: readonly Migration[]
  readonly toolVersion: string
  readonly clock: Clock
  readonly random: Random
  /** Whether the process of a scheduler lives; null where this machine cannot know. */
  readonly isAlive?: (instance: SchedulerInstance) => boolean | null
  /** Ends the transfer: nothing of it is kept. */
  readonly signal?: AbortSignal
  /** Told after each page of rows. */
  readonly onProgress?: (progress: TransferProgress) => void
}

export interface TransferProgress {
  readonly phase: 'check' | 'copy' | 'verify'
  readonly table: string
  /** Rows so far. */
  readonly rows: number
  /** Rows in all. */
  readonly of: number
}
