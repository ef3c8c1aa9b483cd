import type { AttemptKey } from '../database/queries/fence.ts'
import { readStandings, renewLeases } from '../database/queries/heartbeat.ts'
import { appendEvents } from '../database/repositories/event-repository.ts'
import { touchSchedulerInstance } from '../database/repositories/scheduler-instance-repository.ts'
import type { HeldAttempt, HeldAttempts } from './held-attempts.ts'
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

  /** Makes the next `keep` renew, due or not. */
  hurry(): void {
    this.#renewAt = 0
    this.#lookAt = 0
  }

  /** One statement for all leases when they are due; one read for all held jobs at least every second. */
  async keep(held: HeldAttempts, tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    if (clock.monotonic() >= this.#renewAt) await this.#renew(held, tables)
    if (held.size === 0 || clock.monotonic() < this.#lookAt) return
    const keys = held.keys()
    const standings = await readStandings(
      database.db,
      keys.map((key) => key.jobId),
    )
    held.judge(keys, standings)
    this.#lookAt = clock.monotonic() + lookEveryMs
  }

  async #renew(held: HeldAttempts, tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    const now = await database.now()
    const lease = { schedulerId: this.#schedulerId, expiresAt: now + this.#options.leaseMs }
    const keys = held.keys()
    const kept = new Set((await renewLeases(database.db, keys, lease)).map(nameOf))
    const refused = keys.filter((key) => !kept.has(nameOf(key)))
    if (refused.length > 0) {
      const jobIds = refused.map((key) => key.jobId)
      await this.#giveUp(held.judge(refused, await readStandings(database.db, jobIds)), tables)
    }
    if (tables.instances) await touchSchedulerInstance(database.db, this.#schedulerId, { heartbeatAt: now })
    this.#renewAt = clock.monotonic() + this.#options.leaseMs / 4
  }

  /** The heartbeat is a write like any other: refused, it leaves an event. */
  async #giveUp(lost: readonly HeldAttempt[], tables: TablesNow): Promise<void> {
    if (lost.length === 0 || !tables.events) return
    const { database, ids } = this.#deps
    const events = lost.map(({ claimed: { job } }) => ({
      projectId: job.projectId,
      jobId: job.id,
      attempt: job.attempt,
      kind: 'rejected_write',
      data: { verb: 'heartbeat' },
    }))
    await appendEvents(database.db, events, { ids, at: await database.now() })
  }
}

function nameOf({ jobId, attempt }: AttemptKey): string {
  return `${jobId}:${attempt}`
}
