/**
 * The foreground scheduler. `tick` is one deterministic pass: keep leases, rescue, wake, settle and claim in
 * one transaction, start. `run` repeats it until told to stop or until nothing is left to do.
 *
 * Invariants: an attempt is held from its claim until its end is written; no write outlives the loss of
 * its lease (fence); a database that is away stops claims and nothing else.
 */
import type { ClaimedJob, ClaimRequest } from '../database/queries/claim.ts'
import { hasWork } from '../database/queries/due-jobs.ts'
import { isAnythingHeld } from '../database/queries/held-anywhere.ts'
import type { ReadinessFacts } from '../database/queries/readiness-conditions.ts'
import { finishAttempts } from '../database/queries/finish.ts'
import { findAbandoned, findLeftLocks, releaseLeftLocks, rescueJobs, sweepLocks } from '../database/queries/rescue.ts'
import { wakeStranded } from '../database/queries/wake.ts'
import { listActiveWorkspaces } from '../database/repositories/job-repository.ts'
import {
  insertSchedulerInstance,
  touchSchedulerInstance,
} from '../database/repositories/scheduler-instance-repository.ts'
import type { Attempt } from '../execution/attempt.ts'
import { findDeadOwners } from './dead-owners.ts'
import { HeldAttempts } from './held-attempts.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { decideEnd } from './outcome-transition.ts'
import { requiredLocks } from './required-locks.ts'
import type { SchedulerDeps, SchedulerOptions, TickCounts } from './scheduler-types.ts'
import { settleAndClaim, type SettledAndClaimed } from './settle-attempts.ts'
import { LookPace } from './search-pace.ts'
import { settleStranded } from './settle-stranded.ts'
import { StandingWatch } from './standing-watch.ts'
import { TableWatch, type TablesNow } from './table-watch.ts'
import { Vigil } from './vigil.ts'

/** How often the rarer duties are done: judging other schedulers, and mending stranded jobs. */
const rescueEveryMs = 1000
const mendEveryMs = 30_000
/** Between two pages of the jobs that are looked at for that. */
const mendPageEveryMs = 500

const nothing: TickCounts = { settled: 0, rescued: 0, woken: 0, claimed: 0, running: 0, quiet: false }

export class Scheduler {
  readonly id: string
  readonly held = new HeldAttempts()
  readonly tables: TableWatch
  readonly deps: SchedulerDeps
  readonly options: SchedulerOptions
  readonly #leases: LeaseKeeper
  readonly #standing: StandingWatch
  readonly #pace: LookPace
  readonly #vigil: Vigil
  #onEnd: () => void = () => {}
  #registered = false
  #rescueAt = 0
  #mendAt = 0
  #mendAfter: string | null = null
  /** Whether this pass found that nobody else holds anything; unknown where it did not look. */
  #alone = false
  #sawWork = false
  /** The last claim took nothing of what stands in line. */
  #turnedAway = false
  /** No new claims: a drain, or a stop. */
  draining = false

  constructor(deps: SchedulerDeps, options: SchedulerOptions) {
    this.deps = deps
    this.options = options
    this.id = deps.ids.next()
    this.tables = new TableWatch(deps)
    this.#standing = new StandingWatch(deps)
    this.#pace = new LookPace(deps.clock)
    this.#leases = new LeaseKeeper(deps, options, { schedulerId: this.id, held: this.held })
    this.#vigil = new Vigil(deps.clock, options.leaseMs)
  }

  /** Called whenever an attempt ends, so that a loop need not wait for its next pass. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener
  }

  /** One pass. Throws what the database throws; everything held stays held, so the next pass goes on. */
  async tick(): Promise<TickCounts> {
    try {
      return await this.#pass()
    } catch (error) {
      const failure = this.deps.database.dialect.classify(error)
      if (failure === 'outage' || failure === 'contention') this.#vigil.interrupt()
      throw error
    }
  }

  async #pass(): Promise<TickCounts> {
    if (this.#vigil.watch()) this.#leases.hurry()
    const tables = await this.tables.look()
    if (tables === null) return { ...nothing, running: this.held.running }
    await this.#register(tables)
    await this.#leases.keep(tables)
    const rescued = await this.#rescue(tables)
    const woken = await this.#wake(tables)
    const { settled, claimed } = await this.#settleAndClaim(tables)
    if (claimed.length > 0) this.deps.crashPoints?.pass('after-claim')
    if (settled + claimed.length > 0)
      this.#leases.hold(claimed.map(({ job }) => ({ jobId: job.id, attempt: job.attempt })))
    this.#start(claimed)
    const quiet = this.#alone && !this.#sawWork && this.held.size === 0
    return { settled, rescued, woken, claimed: claimed.length, running: this.held.running, quiet }
  }

  /** Aborts everything that runs; what does not end by itself within the grace is released over its head. */
  async stop(graceMs: number): Promise<void> {
    this.draining = true
    this.held.abortAll('stop')
    const giveUpAt = this.deps.clock.monotonic() + graceMs
    while (this.held.running > 0 && this.deps.clock.monotonic() < giveUpAt) await this.deps.clock.sleep(25)
    // Before their jobs are given back: nothing of theirs may run beside the next attempt.
    for (const { jobId, attempt } of this.held.runningKeys()) await this.deps.killRemains(jobId, attempt)
    const tables = await this.tables.look()
    if (tables === null) return
    await this.#settleAndClaim(tables)
    await this.#releaseRest(tables)
  }

  /** Says that this scheduler is gone, so that others need not wait for its leases. */
  async leave(): Promise<void> {
    if (!this.#registered) return
    const { database, crashPoints } = this.deps
    crashPoints?.pass('before-leave')
    await touchSchedulerInstance(database.db, this.id, { stoppedAt: await database.now() })
  }

  /** Ends the heartbeat; call it when nothing is held any more, or nothing can be kept. */
  close(): Promise<void> {
    return this.#leases.close()
  }

  async #register(tables: TablesNow): Promise<void> {
    if (this.#registered || !tables.instances) return
    const { database, identity } = this.deps
    const now = await database.now()
    const { host, bootId, pidNamespace, pid, startTime } = identity
    await insertSchedulerInstance(database.db, {
      id: this.id,
      host,
      bootId,
      pidNamespace,
      pid,
      processStartedAt: startTime,
      version: this.options.version,
      concurrency: this.options.concurrency,
      startedAt: now,
      heartbeatAt: now,
      stoppedAt: null,
    })
    if (tables.errands) await this.deps.spooled?.sweep()
    this.#registered = true
  }

  async #rescue(tables: TablesNow): Promise<number> {
    const { clock, database } = this.deps
    this.#alone = false
    if (clock.monotonic() < this.#rescueAt) return 0
    if (this.#vigil.watchDatabase(await database.now())) {
      this.#leases.hurry()
      await this.#leases.keep(tables)
    }
    this.#alone = this.held.size === 0 && !(await isAnythingHeld(database.db, tables))
    const rescued = this.#alone ? 0 : await this.#rescueFromOthers(tables)
    this.#rescueAt = clock.monotonic() + rescueEveryMs
    return rescued
  }

  async #rescueFromOthers(tables: TablesNow): Promise<number> {
    const { database, ids, notify, killRemains } = this.deps
    const deadOwners = await findDeadOwners(this.deps, this.id, tables)
    const heldJobIds = this.held.keys().map((key) => key.jobId)
    const byLease = this.#vigil.judgesLeases
    const request = { schedulerId: this.id, heldJobIds, deadOwners, byLease, ids, tables }
    const abandoned = await findAbandoned(database, request)
    // The dead first let go of everything: their processes, and what they had bought. Whoever is only slow keeps its
    // processes until the fence says that it lost.
    for (const { jobId, attempt, ownerDied } of abandoned) if (ownerDied) await killRemains(jobId, attempt)
    if (abandoned.length > 0 && tables.errands) await this.deps.spooled?.settle(abandoned)
    const reports = await rescueJobs(database, request, abandoned)
    if (reports.length > 0) this.deps.crashPoints?.pass('after-rescue')
    for (const report of reports) {
      if (!report.accepted) continue
      await killRemains(report.jobId, report.attempt)
      notify({ kind: 'rescued', report })
    }
    if (tables.locks) await this.#releaseLeftLocks(deadOwners)
    if (tables.reservations) await settleStranded(this.deps)
    return reports.length
  }

  /** A job that was cancelled after its scheduler died has nobody else to stop its processes and give back its locks. */
  async #releaseLeftLocks(deadOwners: readonly string[]): Promise<void> {
    const { database, killRemains } = this.deps
    const left = await findLeftLocks(database, deadOwners)
    for (const { jobId, attempt } of left) await killRemains(jobId, attempt)
    await releaseLeftLocks(database, left)
  }

  async #wake(tables: TablesNow): Promise<number> {
    const { clock, database, ids } = this.deps
    if (clock.monotonic() < this.#mendAt) return 0
    const woken = await wakeStranded(database, { ids, hasEventTable: tables.events, after: this.#mendAfter })
    this.#mendAfter = woken.next
    if (tables.locks && woken.next === null) await sweepLocks(database)
    this.#mendAt = clock.monotonic() + (woken.next === null ? mendEveryMs : mendPageEveryMs)
    return woken.jobs
  }

  /** Settles what is over by now and claims for the places that nothing else is in. */
  async #settleAndClaim(tables: TablesNow): Promise<SettledAndClaimed> {
    const { deps, options, held } = this
    const ended = held.ended()
    const places = options.concurrency - (held.size - ended.length)
    // What has just ended may have released more; otherwise one look says whether there is anything to ask about.
    const wants = places > 0 && !this.draining
    this.#sawWork = !wants || ended.length > 0 || (await this.#hasWork())
    const hasChance = wants && this.#sawWork
    const request = await this.#claimRequest(tables, hasChance ? places : 0)
    const done = await settleAndClaim({ deps, options, held, tables, ended }, request)
    if (hasChance) this.#turnedAway = done.claimed.length === 0
    return done
  }

  /** For so many places; for none while draining. */
  async #claimRequest(tables: TablesNow, places: number): Promise<ClaimRequest> {
    const { limits, shared } = places > 0 ? await this.#standing.forClaim() : {}
    return {
      schedulerId: this.id,
      limit: this.draining ? 0 : places,
      leaseMs: this.options.leaseMs,
      projectSlug: this.options.projectSlug,
      // Which workspaces can be reached is asked of the few projects that have something to start.
      facts: {
        databaseTrusted: this.options.databaseTrusted,
        unreachableProjects: [],
        ...(shared === undefined ? {} : { shared }),
      },
      ...(limits === undefined ? {} : { limits }),
      pace: this.#pace,
      lookFirst: this.#turnedAway,
      canReach: this.deps.canReach,
      hasLockTable: tables.locks,
      hasEventTable: tables.events,
      ids: this.deps.ids,
      locksFor: requiredLocks,
    }
  }

  async #hasWork(): Promise<boolean> {
    const { database } = this.deps
    return hasWork(database.db, await database.now())
  }

  #start(claimed: readonly ClaimedJob[]): void {
    if (claimed.length === 0) return
    const { clock, database, notify } = this.deps
    const starting = {
      // A drain that came while the claim was on its way: the jobs go back as they were.
      execute: (attempt: Attempt) => (this.draining ? giveBack() : this.deps.execute(attempt)),
      schedulerId: this.id,
      startedAtMs: clock.monotonic(),
      classify: database.dialect.classify,
      onEnd: () => this.#onEnd(),
    }
    for (const one of claimed) {
      this.held.start(one, starting)
      if (this.draining) this.held.abort({ jobId: one.job.id, attempt: one.job.attempt }, 'stop')
      notify({ kind: 'started', claimed: one, atMs: one.job.updatedAt })
    }
  }

  /** What readiness needs to know beyond the rows, for all active projects. */
  async readFacts(withinMs: number): Promise<Omit<ReadinessFacts, 'now'>> {
    const workspaces = await listActiveWorkspaces(this.deps.database.db)
    const unreachable = workspaces.filter(({ workspace }) => !this.deps.canReach(workspace))
    return {
      databaseTrusted: this.options.databaseTrusted,
      unreachableProjects: unreachable.map(({ projectId }) => projectId),
      shared: await this.#standing.untilThen(withinMs),
    }
  }

  async #releaseRest(tables: TablesNow): Promise<void> {
    const { database, ids, random } = this.deps
    const finishes = this.held.all().flatMap(({ claimed: { job } }) => {
      const end = decideEnd(stopped, { try: job.try, maxTries: job.maxTries, random, stopped: true })
      return end === null ? [] : { jobId: job.id, attempt: job.attempt, projectId: job.projectId, end }
    })
    await finishAttempts(database, finishes, { ids, tables })
    for (const held of this.held.all()) this.held.drop(held)
  }
}

const stopped = { kind: 'released', reason: 'the scheduler was stopped' } as const

async function giveBack(): Promise<typeof stopped> {
  return stopped
}
