/** What each kind of event does to the world. Acts of people go through the functions behind the commands. */
import { holdsAttempt } from '../../src/database/queries/fence.ts'
import { putErrand } from '../../src/database/repositories/errand-repository.ts'
import type { Outcome } from '../../src/execution/attempt.ts'
import { OrchError, errorMessage } from '../../src/errors/orch-error.ts'
import { applyPlan } from '../../src/planning/apply-plan.ts'
import { cancelProject, pauseProject, resumeProject } from '../../src/planning/project-actions.ts'
import { cancelJob, holdJob, releaseJob, retryJob } from '../../src/scheduling/change-jobs.ts'
import { resolveJob, type NamedJob } from '../../src/scheduling/resolve-job.ts'
import { completedOutcome, failedOutcome } from '../support/scheduling.ts'
import { faultKinds } from './faulty-database.ts'
import { aNode, nodesOf, planOf, projectSlug, workspace, type ScriptedNode } from './scripted-plan.ts'
import { resources, type Script, type ScriptedEvent } from './script.ts'
import { createTable, dropTable, droppableTables } from './snapshot.ts'
import type { Slot, Worker, World } from './world.ts'

const hourMs = 3_600_000
const waits = [100, 1000, 5000, 21_000, 31_000] as const
const jumps = [-hourMs, hourMs, 8 * hourMs, -500] as const
const slowCommits = [200, 6000, 25_000, 8 * hourMs] as const

/** A script being played: the world, and the plan as it stands now. */
export class Play {
  readonly world: World
  #nodes: readonly ScriptedNode[]

  constructor(world: World, script: Script) {
    this.world = world
    this.#nodes = nodesOf(script.jobs)
  }

  /** Stores and approves the plan. */
  async begin(): Promise<void> {
    await this.#apply(this.#nodes)
  }

  async play({ kind, pick, size }: ScriptedEvent): Promise<void> {
    const { world } = this
    const slot = pickOf(world.slots, pick)
    if (slot === undefined) return
    switch (kind) {
      case 'tick':
        return world.tick(slot)
      case 'tickTogether':
        return world.tick(...world.slots)
      case 'pass':
        return world.clock.pass(pickOf(waits, size) ?? 0)
      case 'end':
        return this.#end(pickOf(world.workers, pick), outcomeOf(size, world.clock.now()))
      case 'commitErrand':
        return this.#commitErrand(pickOf(world.workers, pick))
      case 'round':
        return this.round()
      case 'fault':
        return this.#arm(slot, size)
      case 'crash':
        return world.crash(slot)
      case 'stop':
        return world.stop(slot)
      case 'freeze':
        slot.frozen = true
        return
      case 'thaw':
        return world.resume(slot)
      case 'jumpClock':
        return world.clock.jump(pickOf(jumps, size) ?? 0)
      case 'cancel':
      case 'retry':
      case 'hold':
      case 'release':
        return this.#actOnJob(kind, pick)
      case 'pause':
      case 'resume':
      case 'cancelProject':
        return this.#actOnProject(kind)
      case 'apply':
        return this.#applyMore(pick, size)
      case 'dropTable':
      case 'createTable':
        return this.#changeTables(kind, pick)
    }
  }

  /** All work ends well and every scheduler passes once. */
  async round(): Promise<void> {
    for (const worker of this.world.workers) await this.#end(worker, completedOutcome)
    for (const slot of this.world.slots) await this.world.tick(slot)
  }

  /** Puts everything back that is away. */
  async createTables(): Promise<void> {
    for (const [index] of droppableTables.entries()) await this.#changeTables('createTable', index)
  }

  async #end(worker: Worker | undefined, outcome: Outcome): Promise<void> {
    if (worker === undefined) return
    await this.world.step('end', [], async () => {
      worker.end(outcome)
      return null
    })
  }

  /** The fenced write of an attempt; whether it is accepted must be what the model says. */
  async #commitErrand(worker: Worker | undefined): Promise<void> {
    if (worker === undefined) return
    const { world } = this
    const { job, number } = worker.attempt
    await world.step('commitErrand', [], async () => {
      const accepted = await world.database.write(async (trx) => {
        if (!(await holdsAttempt(trx, { jobId: job.id, attempt: number }))) return false
        await putErrand(trx, anErrand(world, worker))
        return true
      })
      const model = world.model.job(job.key)
      const current = model.state === 'running' && model.attempt === number
      if (current) model.progressed = true
      if (accepted !== current) world.faults.push(`a write of attempt ${number} of ${job.key}: accepted is ${accepted}`)
      return null
    })
  }

  async #arm({ view }: Slot, size: number): Promise<void> {
    const kind = pickOf(faultKinds, size)
    if (kind === undefined) return
    const which = Math.floor(size / faultKinds.length)
    const often = kind === 'lostStatement' || kind === 'busy' ? 1 + (which % 3) : 1
    view.arm({ kind, after: which % 12, times: often, ms: pickOf(slowCommits, which) ?? 0 })
  }

  async #actOnJob(act: 'cancel' | 'retry' | 'hold' | 'release', pick: number): Promise<void> {
    const { model, person } = this.world
    const key = pickOf([...model.jobs.keys()], pick)
    if (key === undefined) return
    await this.#act(act, async (span) => {
      const named = await resolveJob(person, `${projectSlug}/${key}`)
      const allowed = act === 'retry' ? model.retry(key, span) : model[act](key)
      return { allowed, done: () => this.#doToJob(act, named) }
    })
  }

  async #doToJob(act: 'cancel' | 'retry' | 'hold' | 'release', named: NamedJob): Promise<unknown> {
    const { person } = this.world
    if (act === 'cancel') return cancelJob(person, named)
    if (act === 'retry') return retryJob(person, named)
    return act === 'hold' ? holdJob(person, named, 'a look at it') : releaseJob(person, named)
  }

  async #actOnProject(act: 'pause' | 'resume' | 'cancelProject'): Promise<void> {
    const { model, person } = this.world
    await this.#act(act, async () => {
      const allowed = act === 'cancelProject' || model.project !== 'cancelled'
      if (act === 'cancelProject') model.cancelProject()
      else if (allowed) model.project = act === 'pause' ? 'paused' : 'active'
      const done = async () => {
        if (act === 'cancelProject') return cancelProject(person, projectSlug, 'person')
        return act === 'pause' ? pauseProject(person, projectSlug) : resumeProject(person, projectSlug)
      }
      return { allowed, done }
    })
  }

  /** One more job behind some of those that are there, and sometimes before one of them. */
  async #applyMore(pick: number, size: number): Promise<void> {
    const { model } = this.world
    const keys = this.#nodes.map(({ key }) => key)
    const key = `late${String(keys.length)}`
    const after = [...new Set([pickOf(keys, pick), pickOf(keys, size)])].flatMap((one) =>
      size % 3 === 0 ? [] : (one ?? []),
    )
    const behind = pickOf(keys, pick + size) ?? ''
    const circular = after.some((one) => one === behind || model.ancestors(one).includes(behind))
    const resource = size % 5 === 0 ? pick % resources.length : null
    const late = aNode({ key, after, priority: pick % 4, tries: 1 + (pick % 3), resource })
    const changed = this.#nodes.map((node) =>
      node.key === behind && !circular && size % 2 === 0 ? { ...node, after: [...node.after, key] } : node,
    )
    await this.#apply([...changed, late])
  }

  async #apply(nodes: readonly ScriptedNode[]): Promise<void> {
    const { model, person } = this.world
    await this.#act('apply', async (span) => {
      const allowed = model.project !== 'cancelled'
      if (allowed) {
        model.apply(nodes, span)
        this.#nodes = nodes
      }
      return { allowed, done: () => applyPlan(person, planOf(nodes), { workspace, approvedBy: 'person' }) }
    })
  }

  /** Asks the model first, then does it for real: both allow it, or both refuse. */
  async #act(
    name: string,
    prepare: (span: { from: number; to: number }) => Promise<{ allowed: boolean; done: () => Promise<unknown> }>,
  ): Promise<void> {
    const { world } = this
    const now = world.clock.now()
    await world.step(name, [], async () => {
      const { allowed, done } = await prepare({ from: now, to: now })
      const refused = await done().then(
        () => null,
        (error: unknown) => error,
      )
      if (refused !== null && !(refused instanceof OrchError && refused.code === 'ORCH_CONFLICT')) {
        world.faults.push(`${name} failed: ${errorMessage(refused)}`)
      }
      if (allowed === (refused !== null))
        world.faults.push(`${name}: allowed by the model is ${allowed}, it was not so`)
      return null
    })
  }

  async #changeTables(kind: 'dropTable' | 'createTable', pick: number): Promise<void> {
    const { away, database } = this.world
    const table = pickOf(droppableTables, pick)
    if (table === undefined || away.has(table) === (kind === 'dropTable')) return
    if (kind === 'dropTable') {
      away.add(table)
      await dropTable(database, table)
    } else {
      away.delete(table)
      await createTable(database, table)
    }
  }
}

function pickOf<T>(items: readonly T[], pick: number): T | undefined {
  return items[pick % Math.max(1, items.length)]
}

function outcomeOf(size: number, nowMs: number): Outcome {
  const variant = size % 10
  if (variant < 5) return completedOutcome
  if (variant < 7) return failedOutcome(true)
  if (variant === 7) return failedOutcome(false)
  if (variant === 8) return { kind: 'wait', waitsFor: 'provider', untilMs: nowMs + size * 700, reason: 'told so' }
  return { kind: 'released', reason: 'the database failed' }
}

function anErrand({ ids, clock }: World, { attempt }: Worker) {
  const id = ids.next()
  const place = { jobId: attempt.job.id, try: attempt.try, ordinal: Number.parseInt(id.slice(-12), 16), taskOrdinal: 0 }
  const what = { kind: 'tool', name: 'note', requestHash: id, request: {}, output: {}, beforeHash: null } as const
  const times = { startedAt: clock.now(), endedAt: clock.now() }
  return { id, ...place, ...what, status: 'done' as const, errorClass: null, attempt: attempt.number, ...times }
}
