import type { AttemptKey } from '../database/queries/fence.ts'
import { readStandings, renewHeld, type Refusal } from '../database/queries/heartbeat.ts'
import { appendEvents } from '../database/repositories/event-repository.ts'
import { touchSchedulerInstance } from '../database/repositories/scheduler-instance-repository.ts'
import type { HeartbeatOptions, Heartbeat } from './heartbeat-thread.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { SchedulerDeps, SchedulerOptions } from './scheduler-types.ts'
import type { TablesNow } from './table-watch.ts'

/** How often a scheduler looks whether somebody cancelled what it runs. */
const lookEveryMs = 1000

/**
 * Renews leases four times per lease, and stops work that is cancelled or lost. A thread of its own renews where
 * there is one, started with the first attempt; whenever it falls silent for half a lease, the main loop does.
 */
export class LeaseKeeper {
  readonly #deps: SchedulerDeps
  readonly #options: Omit<HeartbeatOptions, 'onRefused'>
  readonly #held: HeldAttempts
  #heartbeat: Heartbeat | null = null
  #renewals = 0
  /** Monotonic: when the thread last proved that it renews. */
  #renewedAtMs = 0
  #renewAt = 0
  #lookAt = 0
  #hasEventTable = false

  constructor(
    deps: SchedulerDeps,
    { leaseMs }: SchedulerOptions,
    { schedulerId, held }: { readonly schedulerId: string; readonly held: HeldAttempts },
  ) {
    this.#deps = deps
    this.#options = { schedulerId, leaseMs }
    this.#held = held
  }

  /** Makes the next `keep` renew, due or not. */
  hurry(): void {
    this.#renewAt = 0
    this.#lookAt = 0
    this.#renewedAtMs = Number.NEGATIVE_INFINITY
  }

  /** What is held changed, or is about to. */
  hold(coming: readonly AttemptKey[]): void {
    const { startHeartbeat, clock } = this.#deps
    if (this.#heartbeat === null && coming.length > 0 && startHeartbeat !== undefined) {
      const onRefused = (refusal: Refusal) => void this.#refuse(refusal).catch(() => {})
      this.#heartbeat = startHeartbeat({ ...this.#options, onRefused })
      this.#renewedAtMs = clock.monotonic()
    }
    this.#heartbeat?.hold([...this.#held.keys(), ...coming])
  }

  /** One statement for all leases when they are due; one read for all held jobs at least every second. */
  async keep(tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    this.#hasEventTable = tables.events
    this.#heartbeat?.beat()
    if (clock.monotonic() >= this.#renewAt) await this.#renew(tables)
    if (this.#held.size === 0 || clock.monotonic() < this.#lookAt) return
    const keys = this.#held.keys()
    const jobIds = keys.map((key) => key.jobId)
    this.#held.judge(keys, await readStandings(database.db, jobIds))
    this.#lookAt = clock.monotonic() + lookEveryMs
  }

  async close(): Promise<void> {
    await this.#heartbeat?.close()
    this.#heartbeat = null
  }

  async #renew(tables: TablesNow): Promise<void> {
    const { clock, database } = this.#deps
    const { schedulerId, leaseMs } = this.#options
    if (!this.#threadRenews()) await this.#refuse(await renewHeld(database, this.#held.keys(), this.#options))
    if (tables.instances) await touchSchedulerInstance(database.db, schedulerId, { heartbeatAt: await database.now() })
    this.#renewAt = clock.monotonic() + leaseMs / 4
  }

  #threadRenews(): boolean {
    if (this.#heartbeat === null) return false
    const nowMs = this.#deps.clock.monotonic()
    if (this.#heartbeat.renewals !== this.#renewals) this.#renewedAtMs = nowMs
    this.#renewals = this.#heartbeat.renewals
    return nowMs - this.#renewedAtMs < this.#options.leaseMs / 2
  }

  /** Stops what was refused at once. The heartbeat is a write like any other: refused, it leaves an event. */
  async #refuse({ keys, standings }: Refusal): Promise<void> {
    const lost = this.#held.judge(keys, standings)
    if (lost.length === 0 || !this.#hasEventTable) return
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
