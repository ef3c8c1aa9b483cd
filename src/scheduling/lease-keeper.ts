import { readStandings, renewLeases } from '../database/queries/heartbeat.ts'
import { touchSchedulerInstance } from '../database/repositories/scheduler-instance-repository.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { SchedulerDeps, SchedulerOptions } from './scheduler-types.ts'
import type { TablesNow } from './table-watch.ts'

/** How often a scheduler looks whether somebody cancelled what it runs. */
const lookEveryMs = 1000

/** Renews leases four times per lease, and stops work that is cancelled or lost. */
export class LeaseKeeper {
  readonly #deps: SchedulerDeps
  readonly #options: SchedulerOptions
  readonly #schedulerId: string
  #renewAt = 0
  #lookAt = 0

  constructor(deps: SchedulerDeps, options: SchedulerOptions, schedulerId: string) {
    this.#deps = deps
    this.#options = options
    this.#schedulerId = schedulerId
  }

  /** One statement for all leases when they are due; one read for all held jobs at least every second. */
  async keep(held: HeldAttempts, tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    if (clock.monotonic() >= this.#renewAt) await this.#renew(held, tables)
    if (held.size === 0 || clock.monotonic() < this.#lookAt) return
    const keys = held.keys().map((key) => key.jobId)
    held.judge(await readStandings(database.db, keys))
    this.#lookAt = clock.monotonic() + lookEveryMs
  }

  async #renew(held: HeldAttempts, tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    const now = await database.now()
    const lease = { schedulerId: this.#schedulerId, expiresAt: now + this.#options.leaseMs }
    const keys = held.keys()
    const kept = await renewLeases(database.db, keys, lease)
    // Whatever was not renewed is cancelled or lost: the look below says which, and stops it at once.
    if (kept.length < keys.length) this.#lookAt = 0
    if (tables.instances) await touchSchedulerInstance(database.db, this.#schedulerId, { heartbeatAt: now })
    this.#renewAt = clock.monotonic() + this.#options.leaseMs / 4
  }
}
